"""Modifiers: how a picture is taken, lit, processed and praised is never a thing, and a thing stays one."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagerag.prompt_grammar import modifiers
from imagerag.prompt_grammar.modifiers import reading, uses, vocabulary
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.prompt_syntax import plain_prompt
from testing.scene_names import NAMES

TAGS = """
    85mm lens; 35mm; f/1.8; ISO 100; 1/200s; macro lens; telephoto; wide-angle; fisheye; tilt-shift; golden hour;
    blue hour; rim light; softbox; volumetric lighting; god rays; studio lighting; chiaroscuro; close-up;
    portrait photo; bokeh; shallow depth of field; rule of thirds; bird's-eye view; low angle; Kodak Portra 400;
    Fujifilm; Canon EOS R5; Hasselblad; Leica; Polaroid; cinestill; octane render; unreal engine 5; ray tracing;
    masterpiece; best quality; 8k; 4k uhd; highly detailed; award-winning; trending on artstation; photorealistic;
    hyperrealistic; cinematic; hdr; RAW photo; black and white; 1/125 s; 50 mm; f 2.0; soft golden hour light;
    Nikon Z8; sharp focus; long exposure; film grain; extreme detail; blurry; spaghetti western
"""
THINGS = """
    a camera on a table; a lens; a bear holding a Polaroid camera; an octane gas pump; a golden retriever;
    an old Leica camera; a softbox; a portrait on a wall; a chair; a contact lens; a red fox; a traffic light;
    a film projector; a vintage camera
"""


def split(text: str) -> list[str]:
    return [part.strip() for part in text.split(";")]


@pytest.mark.parametrize("tag", split(TAGS))
@pytest.mark.parametrize(
    "spelt", [str, str.upper, lambda tag: tag.replace("-", " "), lambda tag: tag.replace(" ", "-")]
)
def test_a_tag_is_no_thing(tag: str, spelt: "type[str]") -> None:
    if spelt("a b") == "a-b" and re.search(r"\b(?:on|and|of)\b|/", tag):
        pytest.skip("nobody writes that with hyphens")
    scene = parse_scene(f"an owl, {spelt(tag)}, a cat")
    assert scene.content_concepts() == ["owl", "cat"]
    assert len(scene.modifiers) == 1
    assert scene.style_concepts() == []


@pytest.mark.parametrize(
    ("prompt", "things"),
    [
        ("a spider web, early morning, focus stack of 40 images, at 3x, 15s", ["spider web"]),
        ("a kingfisher, frozen action, silent shutter, rear sync flash, vibrance +20", ["kingfisher"]),
        ("a train station, miniature effect, false color, film scan, blue tint", ["train station"]),
        ("a boxer, gelled lighting, cyan and magenta rim lights, motion freeze, catchlight in the eyes", ["boxer"]),
        (
            "an espresso machine, e-commerce packshot, evenly lit, isolated on white, clipping path",
            ["espresso machine"],
        ),
        ("a puppy, ((detailed fur)), astrophotography, foreground lit, muted greens", ["puppy"]),
        ("a Porsche, rear three-quarter view, wide FOV, crop factor 1.5, pop of color, props", ["porsche"]),
        ("a whiskey glass on a dark slate background, compressed background, tethered capture", ["whiskey glass"]),
        ("wide-angle interior of a cathedral, perspective corrected, path traced", ["cathedral"]),
        ("Hubble style image of a galaxy, light falloff, grain structure", ["galaxy"]),
        ("a tiger walking toward camera, eye contact, jungle background blur", ["tiger"]),
        ("a pizza cut in half, in color, classic negative film simulation", ["pizza"]),
        ("a hedgehog eating a strawberry (perfect lighting, perfect composition:1.1)", ["hedgehog", "strawberry"]),
        ("off-camera flash behind a dancer", ["dancer"]),
        ("soft light on a cat, two strobes above a chair", ["cat", "chair"]),
        ("(a lighthouse on a cliff:1.4) (stormy sea:1.2) {a gull}", ["lighthouse", "cliff", "stormy sea", "gull"]),
    ],
)
def test_what_photographers_write_is_no_thing(prompt: str, things: list[str]) -> None:
    assert parse_scene(plain_prompt(prompt).text).content_concepts() == things


@pytest.mark.parametrize(
    ("prompt", "things"),
    [
        ("a doctor looking at a brain scan", ["doctor", "brain scan"]),
        ("street light behind a dog, a ring light on a stand", ["street light", "dog", "ring light", "stand"]),
        ("two tequila shots, lime", ["tequila shot", "lime"]),
        ("blue shutters, a flower box", ["shutters", "flower box"]),
        ("a girl walking towards a camera on a tripod", ["girl", "camera", "tripod"]),
    ],
)
def test_things_with_the_words_of_photographers_stay_things(prompt: str, things: list[str]) -> None:
    assert parse_scene(plain_prompt(prompt).text).content_concepts() == things


@pytest.mark.parametrize("thing", split(THINGS))
def test_a_thing_stays_a_thing(thing: str) -> None:
    scene = parse_scene(thing)
    assert scene.modifiers == ()
    head = re.split(r" (?:on|holding) ", thing.lower())[-1].split(" ", 1)[1]
    assert head.removeprefix("red ") in scene.content_concepts()


@pytest.mark.parametrize(
    ("prompt", "things", "places"),
    [
        ("a rider with mountains in the background", ["rider", "mountains"], ("in the background",)),
        ("in the foreground, a rose", ["rose"], ("in the foreground",)),
        ("a town, a church in the far distance", ["town", "church"], ("in the far distance",)),
        ("a man on the left, a woman on the right", ["man", "woman"], ("on the left",)),
        ("a lamp in the top left corner", ["lamp"], ("in the top left corner",)),
        ("a deer in the middle of the frame", ["deer"], ("in the middle of the frame",)),
        ("a cat at the bottom of the picture", ["cat"], ("at the bottom of the picture",)),
        ("a whale in mid-air", ["whale"], ("in mid-air",)),
        ("a lighthouse, city skyline as the background", ["lighthouse", "city skyline"], ()),
    ],
)
def test_a_place_in_the_picture_is_no_thing(prompt: str, things: list[str], places: tuple[str, ...]) -> None:
    scene = parse_scene(prompt)
    assert scene.content_concepts() == things
    assert scene.modifiers == places
    assert parse_scene(scene.describe()) == scene


@pytest.mark.parametrize(
    ("prompt", "things"),
    [
        ("a photo in a frame", ["photo", "frame"]),
        ("a tent in the middle of a desert", ["tent", "desert"]),
        ("a mouse to the left of a cat", ["mouse", "cat"]),
        ("a cabin at the edge of a lake", ["cabin", "lake"]),
    ],
)
def test_a_place_of_a_thing_is_beside_it(prompt: str, things: list[str]) -> None:
    scene = parse_scene(prompt)
    assert scene.content_concepts() == things
    assert len(scene.relations) == 1


@pytest.mark.parametrize(
    "wrapped",
    ["RAW photo of {}", "DSLR photograph of {}", "an 85mm close-up of {}", "a black and white portrait of {}",
     "a photo of {}", "a highly detailed illustration of {}", "draw a macro shot of {}", "{} portrait, 8k",
     "photorealistic {}"],
)  # fmt: skip
def test_wrappers_are_taken_off(wrapped: str) -> None:
    assert parse_scene(wrapped.format("tiger")).content_concepts() == ["tiger"]


def test_booru_tags_name_people_and_how_they_look() -> None:
    scene = parse_scene("2girls, solo, long_hair, blue eyes, looking at viewer, school_uniform, score_9, absurdres")
    assert [(thing.phrase, thing.count) for thing in scene.objects] == [("girl", 2), ("school uniform", 1)]


def test_a_prompt_of_nothing_else_draws_what_there_is() -> None:
    assert parse_scene("bokeh").content_concepts() == ["bokeh"]
    assert parse_scene("Leica, 8k").content_concepts() == ["leica"]


def test_a_style_that_can_be_judged_stays_one() -> None:
    assert parse_scene("an owl, 3d render").styles == ("3d",)
    assert parse_scene("an owl, cinematic style").styles == ()
    assert parse_scene("an owl, art deco").styles == ()


def test_fillers_and_parts_alone_are_none() -> None:
    assert [reading(text.split()) for text in ("lens", "camera", "old camera", "old lens", "soft light")] == [
        "", "", "", "", "clause"
    ]  # fmt: skip
    assert uses("macro lenses") == uses("macro-lens") == {"tag"}


def test_the_vocabulary_says_why_and_its_patterns_match_compact_text() -> None:
    data = tomllib.loads((Path(modifiers.__file__).parent / "modifiers.toml").read_text(encoding="utf-8"))
    assert all(len(group["reason"]) > 20 for group in data["groups"].values())
    assert not [
        pattern.pattern
        for pattern, _ in vocabulary().patterns
        if re.search(r"[ A-Z]", re.sub(r"\\[wd]", "", pattern.pattern))
    ]


WORDS = [
    *split(TAGS),
    "an owl",
    "a cat",
    "no people",
    "with",
    "on",
    "at night",
    "by greg rutkowski",
    "portrait of",
    "1girl",
    "art deco style",
]


@pytest.mark.slow
@given(
    st.lists(st.sampled_from(WORDS), max_size=7),
    st.sampled_from([", ", " "]),
    st.sampled_from([NAMES, frozenset[str]()]),
)
@settings(max_examples=300, deadline=None)
def test_a_description_says_the_whole_scene(parts: list[str], mark: str, names: frozenset[str]) -> None:
    scene = parse_scene(mark.join(parts), names)
    again = parse_scene(scene.describe(), names)
    assert (again.objects, again.modifiers, again.styles) == (scene.objects, scene.modifiers, scene.styles)


MADE = [
    *["an etching", "a linocut", "a cross stitch", "a mural", "a chalk drawing"],
    *["a woodcut", "an embroidery", "a mosaic"],
]


@pytest.mark.parametrize("made", MADE)
def test_how_a_picture_is_made_is_no_thing_that_it_shows(made: str) -> None:
    assert parse_scene(f"{made} of a fox").content_concepts() == ["fox"]
    assert len(parse_scene(f"{made} on a wall").content_concepts()) == 2
