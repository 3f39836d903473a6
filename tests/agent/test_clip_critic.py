"""The embedded critic's eyes: windows, colours, and likeness to pictures beside likeness to names."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from imagerag.agent.clip_critic import ClipCritic, Exemplars, windows
from imagerag.agent.colour_likelihood import background_likelihood, object_likelihood, repainted
from imagerag.agent.registry import load_critic
from imagerag.assets.library import Library
from imagerag.embedders.registry import embedded_clip


@pytest.fixture
def red_and_yellow() -> Image.Image:
    """A small red square at the left, a large yellow one at the right, on white."""
    image = Image.new("RGB", (128, 128), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((10, 50, 40, 80), fill=(220, 38, 38))
    pen.rectangle((60, 20, 120, 110), fill=(250, 210, 45))
    return image


def test_the_colour_of_one_thing_is_not_diluted_by_another(red_and_yellow: Image.Image) -> None:
    assert object_likelihood(red_and_yellow, "red") < 0.5
    assert object_likelihood(red_and_yellow, "red", (0, 40, 50, 90)) > 0.6
    assert object_likelihood(red_and_yellow, "yellow", (0, 40, 50, 90)) < 0.1


def test_the_background_is_what_the_frame_shows(red_and_yellow: Image.Image) -> None:
    assert background_likelihood(red_and_yellow, "white") == 1
    assert background_likelihood(red_and_yellow, "yellow") == 0


def test_a_repainted_view_has_another_colour_in_the_same_places(red_and_yellow: Image.Image) -> None:
    for view in repainted(red_and_yellow):
        pixels = np.asarray(view, dtype=int)
        assert tuple(pixels[0, 0]) == (255, 255, 255)
        assert np.abs(pixels[65, 25] - (220, 38, 38)).max() > 60


@pytest.mark.parametrize("size", [(128, 128), (64, 200)])
def test_windows_lie_within_the_image_and_the_whole_comes_first(size: tuple[int, int]) -> None:
    boxes = windows(size)
    assert boxes[0] == (0, 0, *size)
    assert all(0 <= left < right <= size[0] and 0 <= top < bottom <= size[1] for left, top, right, bottom in boxes)


def test_likeness_to_pictures_tells_a_neighbour_from_the_thing_itself() -> None:
    library, critic = Library(), load_critic("clip")
    row = library.by_concept["owl"][0]
    page = Image.new("RGB", (128, 128), "white")
    page.paste(library.image(row), mask=library.image(row).getchannel("A"))
    owl, eagle = critic.look_for(page, ["owl", "eagle"])
    assert owl["present"]
    assert not eagle["present"]


def test_what_no_exemplar_shows_is_judged_by_its_name() -> None:
    library, embedder = Library(), embedded_clip()
    names = [concept.name for concept in library.concepts]
    lone = ClipCritic(embedder, names, Exemplars(embedder.embed_texts(["owl"]), ["owl"]))
    evidence = lone.evidence(lone.see(library.image(0)), ["owl", "an unheard-of contraption"])
    assert np.isnan(evidence.margin).all()  # one exemplar, of the very thing, has no rival
    assert np.isfinite(evidence.log_odds).all()
    assert lone.look_for(library.image(0), ["an unheard-of contraption"])[0]["present"] is False
