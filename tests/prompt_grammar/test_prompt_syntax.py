"""The prompt syntax of other tools: what is left of it, what is unwanted, and what is told."""

import pytest

from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.prompt_syntax import plain_prompt


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("(red fox:1.3) in the snow", "red fox in the snow"),
        ("((red fox)), [snow], {moon}, (((sun)))", "red fox, snow, moon, sun"),
        ("((fox:1.3):0.9)", "fox"),
        ("fate \\(series\\)", "fate (series)"),
        ("<lora:film:0.8> fox, <hypernet:a b>", "fox"),
        ("fox BREAK snow AND moon", "fox , snow and moon".replace(" ,", ",")),
        ("[fox:owl:0.5] and {cat|dog}", "owl and cat"),
        ("a cat --ar 16:9 --v 6 --style raw --s 250 --seed 3 --q 2 --chaos 5 --iw 1.5 --niji", "a cat"),
        ("a cat \u2014ar 4:5", "a cat"),
        ("cat::2 hat::1 rain", "cat, hat, rain"),
        ("prompt: a fox", "a fox"),
        ("https://a.b/c.png a fox", "a fox"),
        ("a fox Steps: 30, Sampler: Euler a, Seed: 1", "a fox"),
    ],
)
def test_words_stay_and_syntax_goes_with_a_note(prompt: str, text: str) -> None:
    plain = plain_prompt(prompt)
    assert plain.text == text
    assert plain.notes or prompt.startswith(("fate", "prompt:"))
    assert plain_prompt(plain.text) == (plain.text, (), ())


@pytest.mark.parametrize(
    "prompt",
    [
        "an owl (a barn owl)",
        "a cat -- black and white",
        "a clock at 10:30 (at 10:30)",
        "A CAT AND A DOG",
        "a cat \u2014 mine",
        "(",
    ],
)
def test_english_stays_as_it_is(prompt: str) -> None:
    assert plain_prompt(prompt) == (prompt, (), ())


@pytest.mark.parametrize(
    ("prompt", "unwanted"),
    [
        ("a beach --no people, dogs --v 6", ("people", "dogs")),
        ("a beach. Negative prompt: (people:1.2), blurry\nSteps: 20, Sampler: a", ("people", "blurry")),
        ("a beach:: people::-0.5", ("people",)),
        ("a beach, (people:-1)", ("people",)),
        ("a beach, no text", ("text",)),
    ],
)
def test_what_is_unwanted_is_neither_looked_up_nor_judged(prompt: str, unwanted: tuple[str, ...]) -> None:
    scene = parse_scene(prompt)
    assert scene.unwanted == unwanted
    assert scene.content_concepts() == ["beach"]
    assert not scene.style_concepts()


def test_notes_name_what_is_not_heeded_and_what_serves_instead() -> None:
    notes = parse_scene("(fox:1.3) --ar 16:9 --foo 3 --no dogs").notes
    assert notes == (
        "--ar 16:9 is ignored: the generator's own size is drawn",
        "--foo 3 is ignored: no such parameter is known",
        "weights are read as words, all of the same weight: '(fox:1.3)'",
        "not asked for: 'dogs'; left out of the prompt, taken as a negative one (--negative)",
    )


def test_a_sign_that_is_asked_for_stays_a_sign() -> None:
    assert parse_scene("no entry", {"no entry"}).content_concepts() == ["no entry"]
    assert parse_scene("a fox and no entry", {"no entry"}).content_concepts() == ["fox", "no entry"]


@pytest.mark.parametrize(
    ("prompt", "things"),
    [
        ("a heron (golden hour:1.2), [octane render]", ["heron"]),
        ("a heron ((85mm lens))", ["heron"]),
        ("a heron\ngolden hour\n85mm lens", ["heron"]),
        ("a heron / golden hour / 85mm lens", ["heron"]),
        ("a heron - golden hour - 85mm lens", ["heron"]),
        ("a heron | octane render", ["heron"]),
        ("a (cinematic:1.2) fox", ["fox"]),
        ("a (red:1.3) fox", ["fox"]),
        ("a lobster\nin a kimono", ["lobster", "kimono"]),
        ("a cat | a dog", ["cat", "dog"]),
        ("a (lobster:1.3) in a kimono", ["lobster", "kimono"]),
    ],
)
def test_style_that_no_comma_parts_is_none_of_the_thing(prompt: str, things: list[str]) -> None:
    assert parse_scene(plain_prompt(prompt).text).content_concepts() == things


def test_wildcards_hashtags_and_networks_without_brackets_are_told() -> None:
    plain = plain_prompt("an owl with __cool_hat__, lora:film:0.8 #goldenhour #birdlovers")
    assert plain.text == "an owl with cool hat, goldenhour"
    assert any("'__cool_hat__': read by its name" in note for note in plain.notes)
    assert any("'#birdlovers' is ignored: a hashtag" in note for note in plain.notes)
    assert any("'lora:film:0.8' is ignored" in note for note in plain.notes)


def test_a_prompt_of_hashtags_alone_is_read() -> None:
    assert plain_prompt("#owl #moon").text == "owl, moon"


def test_weights_without_brackets_are_told() -> None:
    plain = plain_prompt("owl, masterpiece:1.2, 16:9")
    assert plain.text == "owl, masterpiece, 16:9"
    assert any("weights are read as words" in note for note in plain.notes)


@pytest.mark.parametrize(
    "prompt", ['{"short_description": "a (cat) [[on]] a hill::2", "objects": [{"name": "cat"}]}', ' {"a": {"b": 1}}']
)
def test_a_json_object_is_left_as_it_is(prompt: str) -> None:
    assert plain_prompt(prompt).text == prompt
    assert plain_prompt("{red|blue} cat").text != "{red|blue} cat"
