"""What the rules read of a request that isn't plain English."""

import pytest

from imagerag.agent.prompt_reading import PromptReader, ReadRequest
from imagerag.agent.registry import load_writer
from imagerag.assets.english_words import english_words
from imagerag.assets.language_names import language_names
from imagerag.assets.library import bundled_library
from imagerag.assets.nouns import concrete_nouns


def reader(keeps_unread: bool = False) -> PromptReader:
    return PromptReader(lambda: bundled_library().words, language_names, english_words, concrete_nouns, keeps_unread)


def test_plain_english_loads_no_other_language() -> None:
    def fail() -> dict[str, object]:
        raise AssertionError("loaded")

    plain = PromptReader(lambda: bundled_library().words, fail, english_words)  # type: ignore[arg-type]
    assert plain.read("a red owl on two skateboards") == ("a red owl on two skateboards", ())


def test_a_language_is_told() -> None:
    read = reader().read("ein Hund auf einem Skateboard")
    assert read.text == "a dog on a skateboard"
    assert read.notes == ("read as German: a dog on a skateboard",)


def test_what_is_not_understood_is_told() -> None:
    read = reader().read("un gato sobre una mesa")
    assert read.text == "a cat on mesa"
    assert "'mesa'" in read.notes[1]


@pytest.mark.parametrize(
    ("prompt", "told"), [("σκύλος", True), ("an owl", False), ("müde Eule", False), ("сова", False), ("🦉", False)]
)
def test_a_language_that_is_not_read_is_told_in_one_line_and_no_other(prompt: str, told: bool) -> None:
    for keeps, way in ((False, "say it in English"), (True, "left to the generator")):
        notes = [note for note in reader(keeps).read(prompt).notes if "in no language that is read here" in note]
        assert [way in note for note in notes] == [True] * told


def test_a_generator_that_may_understand_more_gets_the_words_as_they_are() -> None:
    read = reader(keeps_unread=True).read("un gato sobre una mesa")
    assert read.text == "un gato sobre una mesa"
    assert "'mesa'" in read.notes[0]
    assert reader(keeps_unread=True).read("un gato negro").text == "a black cat"


@pytest.mark.parametrize(
    ("prompt", "meant"),
    [
        ("a griaffe with a hta", ["'giraffe'", "'hat'"]),
        ("an oul", ["'owl'"]),
        ("a gaint robot", ["'giant'"]),
        ("unicron", ["'unicorn'"]),
        ("an elefant", ["'elephant'"]),
        ("a corgi on a penny-farthing", []),
        ("a cat on a mat", []),
    ],
)
def test_a_typo_of_a_known_name_gets_did_you_mean(prompt: str, meant: list[str]) -> None:
    told = reader().did_you_mean(prompt, {concept.name for concept in bundled_library().concepts})
    assert len(told) == len(meant)
    for sentence, name in zip(told, meant, strict=True):
        assert name in sentence


def test_the_writer_tells_how_it_read_a_request() -> None:
    brief = load_writer().brief("🐶 on a 🛹", [])
    assert brief.prompt == "dog face on a skateboard"
    assert brief.notes == ("emoji are read as words: dog face on a skateboard",)


def test_only_pictograms_have_a_list_of_names_to_be_near_to() -> None:
    assert load_writer().brief("a griaffe", []).notes
    assert not load_writer(kind="photographs").brief("a griaffe", []).notes


@pytest.mark.parametrize("request_", ["bike", "sock", "mud", "a plum", "ham and a rake", "Two red bikes!"])
def test_english_names_that_the_library_lacks_are_no_forms_of_other_languages_names(request_: str) -> None:
    assert reader().read(request_) == ReadRequest(request_)


@pytest.mark.parametrize(("request_", "text"), [("Hunde", "a dog"), ("deux chiens", "two dogs"), ("bikini", "bikini")])
def test_other_languages_are_read_all_the_same(request_: str, text: str) -> None:
    assert reader().read(request_).text == text
