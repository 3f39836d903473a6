"""What captions name, and which of them carry what a query asks for."""

import pytest

from imagerag.index.captions import CaptionWords, carries, common_names, concepts_of, content_words


@pytest.mark.parametrize(
    ("caption", "named"),
    [
        ("owl", ["owl"]),
        ("A man riding a horse on the beach.", ["man", "horse", "beach"]),
        ("flag of France", ["flag of france"]),
        ("0012", []),
        ("", []),
    ],
)
def test_a_caption_names_its_noun_phrases(caption: str, named: list[str]) -> None:
    assert concepts_of(caption) == named


def test_words_without_meaning_and_plurals_make_no_difference() -> None:
    assert content_words("The flags of two dogs") == ["flag", "two", "dog"]
    assert carries("a dog", "Two dogs in the snow")
    assert not carries("a red dog", "Two dogs in the snow")
    assert not carries("the", "the owl")


def test_what_has_the_main_word_is_related_unless_most_captions_have_it() -> None:
    words = CaptionWords(["racing bicycle", "bicycle", "owl", "eagle owl", "cup of tea", "lamp", "tree"])
    assert words.related("mountain bicycle").tolist() == [0, 1]
    assert words.carrying("eagle owl").tolist() == [3]
    assert words.related("cup of coffee").tolist() == [4]
    flags = CaptionWords(["flag of France", "flag of Peru", "flag of Chad"])
    assert flags.related("flag of Peru").tolist() == [1]
    assert flags.related("flag of Togo").tolist() == []


def test_everyday_names_are_many_and_each_comes_once() -> None:
    assert len(common_names()) == len(set(common_names())) > 400
