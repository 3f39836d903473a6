"""A participle behind a thing says how it is there; things that only end so stay whole."""

import pytest

from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.participles import is_participle, thing_ends


@pytest.mark.parametrize(
    "word", ["leaning", "reflected", "parked", "curled", "half-buried", "hung", "sitting", "dyed", "flying", "stacked"]
)
def test_participles(word: str) -> None:
    assert is_participle(word)


@pytest.mark.parametrize(
    "word", ["ring", "king", "shed", "red", "bed", "painting", "building", "seaweed", "morning", "moped", "wing", "owl"]
)
def test_things_that_end_so(word: str) -> None:
    assert not is_participle(word)


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("bicycle leaning", 1),
        ("cat curled up", 1),
        ("boats gently rocking", 1),
        ("cans neatly stacked up", 1),
        ("firefly sitting", 1),
        ("oil painting", 2),
        ("brick building", 2),
        ("a sitting", 2),
        ("a portrait of ahmed", 4),
        ("teddy bear", 2),
        ("", 0),
    ],
)
def test_where_a_thing_ends(words: str, left: int) -> None:
    assert thing_ends(words.split()) == left


@pytest.mark.parametrize(
    ("prompt", "things"),
    [
        ("a penny-farthing leaning against a wall", ["penny-farthing", "wall"]),
        ("neon signs reflected in puddles", ["neon signs", "puddles"]),
        ("a cat curled up on a sofa", ["cat", "sofa"]),
        ("a cake, topped with cherries", ["cake", "cherries"]),
        ("a man walking through a forest", ["man", "forest"]),
        ("a dog running along a beach", ["dog", "beach"]),
        ("a kestrel, storm clouds gathering overhead, a field", ["kestrel", "storm clouds", "field"]),
        ("syrup poured over pancakes, butter melting on them", ["syrup", "pancakes", "butter"]),
        ("an oil painting on a wall", ["oil painting", "wall"]),
        ("a misty morning in a village", ["misty morning", "village"]),
        ("a street in Beijing on a hill", ["street", "beijing", "hill"]),
        ("a view of the landing on a lake", ["landing", "lake"]),
        ("a fox, warm light filtering through leaves", ["fox"]),
        ("a fox, light filtering through leaves", ["fox"]),
        ("a fox, zone focused at f/8", ["fox"]),
        ("a woman smiling at the camera", ["woman"]),
        ("a lens at a camera", ["lens", "camera"]),
        ("a chair by a window from the left", ["chair", "window"]),
    ],
)
def test_what_is_to_be_seen(prompt: str, things: list[str]) -> None:
    scene = parse_scene(prompt)
    assert scene.content_concepts() == things
    assert parse_scene(scene.describe()).content_concepts() == things


def test_a_known_name_keeps_its_participle() -> None:
    assert parse_scene("a man dancing on a table", {"man dancing"}).content_concepts() == ["man dancing", "table"]


@pytest.mark.parametrize(
    "prompt",
    [
        "a heron, Leica M6 on Tri-X",
        "a heron, Mamiya RZ67 with Ilford FP4, pushed to 800",
        "45 degree shot of a heron, white fill card, soft-edge grad",
        "close portrait of a heron, high-end retouching, clean white sweep",
        "a heron, zone focused at f/8, deep blacks, Lee filters, ten-stop filter",
        "a heron, 3x magnification, 40-image focus stack, diffused twin flash",
        "a heron, 12x60s, 4 hours integration, Ha-OIII bicolour, 80mm apo refractor, dark frames, siril",
        "low-poly heron, clay shader, orthographic camera, 4096 samples",
        "(heron:1.3), <lora:name:0.8>, BREAK masterpiece, best quality, 8k --ar 16:9 --v 6 --stylize 250",
    ],
)
def test_gear_and_processing_of_galleries(prompt: str) -> None:
    scene = parse_scene(prompt)
    assert scene.content_concepts() == ["heron"]
    assert parse_scene(scene.describe()).content_concepts() == ["heron"]


def test_gear_alone_is_what_is_drawn() -> None:
    assert parse_scene("Leica M6 on Tri-X").content_concepts() == ["leica m6"]
    assert parse_scene("a Leica M6 on a table").content_concepts() == ["leica m6", "table"]
