"""The generator that costs nothing tells the same of a scene as Patchwork."""

import pytest
from PIL import Image

from imagerag.assets.library import bundled_library
from imagerag.embedders.registry import embedded_clip
from imagerag.errors import InvalidArgument
from imagerag.generators.base import DrawRequest
from imagerag.generators.patchwork.drawing import PatchworkGenerator
from testing.sketches import Pleased, Sketches

PROMPT = "a small red cat in front of two dogs wearing a crown on a blue background, flat style"


def test_seeds_give_different_pixels_and_the_same_seed_the_same() -> None:
    first, second, again = (Sketches().draw(DrawRequest("an owl", (seed,)))[0].image for seed in (1, 2, 1))
    assert first.tobytes() == again.tobytes() != second.tobytes()


def test_a_prompt_without_things_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="names nothing to draw"):
        Sketches().draw(DrawRequest(" ", (1,)))


def test_the_critic_finds_everything() -> None:
    image = Image.new("RGB", (8, 8))
    assert Pleased().judge([image], "an owl")[0]["satisfied"]
    assert [score["present"] for score in Pleased().look_for(image, ["owl", "cat"])] == [True, True]


@pytest.mark.slow
def test_the_layout_is_that_which_patchwork_records() -> None:
    patchwork = PatchworkGenerator(bundled_library(), embedded_clip(), steps=1)
    recorded = patchwork.draw(DrawRequest(PROMPT, (1,)))[0].facts
    sketched = Sketches().draw(DrawRequest(PROMPT, (1,)))[0].facts
    for name in ("background", "styles", "dropped"):
        assert sketched[name] == recorded[name]
    assert isinstance(recorded["objects"], list)
    without_examples = [{key: one[key] for key in one if key != "examples"} for one in recorded["objects"]]
    assert sketched["objects"] == without_examples
