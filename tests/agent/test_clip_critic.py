"""The CLIP critic: windows, exemplars beside names, and the nearest captions."""

import numpy as np
import pytest
from PIL import Image

from imagerag.agent.clip_critic import ClipCritic
from imagerag.agent.registry import load_critic
from imagerag.assets.library import Library
from imagerag.embedders.registry import embedded_clip
from imagerag.embedders.window_evidence import Exemplars, WindowEvidence, windows


@pytest.mark.parametrize("size", [(128, 128), (64, 200)])
def test_windows_lie_within_the_image_and_the_whole_comes_first(size: tuple[int, int]) -> None:
    boxes = windows(size)
    assert boxes[0] == (0, 0, *size)
    assert all(0 <= left < right <= size[0] and 0 <= top < bottom <= size[1] for left, top, right, bottom in boxes)


@pytest.mark.slow
def test_likeness_to_pictures_tells_a_neighbour_from_the_thing_itself() -> None:
    library, critic = Library(), load_critic("clip")
    row = library.by_concept["owl"][0]
    page = Image.new("RGB", (128, 128), "white")
    page.paste(library.image(row), mask=library.image(row).getchannel("A"))
    owl, eagle = critic.look_for(page, ["owl", "eagle"])
    assert owl["present"]
    assert not eagle["present"]


@pytest.mark.slow
def test_what_no_exemplar_shows_is_judged_by_its_name() -> None:
    library, embedder = Library(), embedded_clip()
    names = [concept.name for concept in library.concepts]
    lone = ClipCritic(embedder, names, Exemplars(embedder.embed_texts(["owl"]), ["owl"]))
    eyes = WindowEvidence(embedder, names, Exemplars(embedder.embed_texts(["owl"]), ["owl"]))
    evidence = eyes.evidence(eyes.see(library.image(0)), ["owl", "an unheard-of contraption"], 65.0, 0.75)
    assert np.isnan(evidence.margin).all()  # one exemplar, of the very thing, has no rival
    assert np.isfinite(evidence.log_odds).all()
    assert lone.look_for(library.image(0), ["an unheard-of contraption"])[0]["present"] is False


def test_the_nearest_captions_of_a_picture_name_what_it_shows() -> None:
    from imagerag.agent.clip_critic import ClipCritic
    from imagerag.assets.library import Library

    library, critic = Library(), load_critic("clip")
    assert isinstance(critic, ClipCritic)
    nearest = critic.nearest_captions(library.image(library.by_concept["lobster"][0]))
    assert nearest[0][0] == "lobster"
    assert len(nearest) == 5
    assert nearest == sorted(nearest, key=lambda pair: -pair[1])
