"""Every family, by how references go in: none, one, the most, and one too many."""

from itertools import pairwise
from pathlib import Path

import pytest

from imagerag.errors import InvalidArgument
from imagerag.generators.base import DrawRequest
from imagerag.generators.diffusion.presets import load_presets
from testing.family_requests import SAVED, drawn, load_family, references

pytestmark = [pytest.mark.usefixtures("small_pictures"), pytest.mark.slow]


def test_each_preset_is_drawn_with() -> None:
    assert set(SAVED) == set(load_presets({}))


@pytest.mark.parametrize("name", SAVED)
def test_none_one_most_and_one_too_many(family_folder: Path, name: str) -> None:
    generator = load_family(family_folder, name)
    most = generator.max_references
    assert most == load_presets({})[name].max_references
    pictures = {count: drawn(generator, count)[0] for count in sorted({0, min(1, most), most})}
    assert all(picture.shape == (32, 32, 3) for picture in pictures.values())
    for fewer, more in pairwise(pictures.values()):
        assert not (fewer == more).all(), "each number of references gives another picture"
    assert (drawn(generator, 0)[0] == pictures[0]).all()
    with pytest.raises(InvalidArgument, match=f"{most + 1} references; '{name}' takes at most {most}"):
        drawn(generator, most + 1)


@pytest.mark.parametrize("memory", ["offload", "sequential"])
@pytest.mark.parametrize("name", ["sd35", "flux", "omnigen", "qwen-edit", "flux2-klein"])
def test_memory_modes_draw_the_same_picture(family_folder: Path, name: str, memory: str) -> None:
    usual, saving = load_family(family_folder, name), load_family(family_folder, name, memory)
    for count in (0, 1):
        # Weights that lie elsewhere are added up in another order: a value may be rounded to its neighbour.
        off = abs(drawn(usual, count)[0] - drawn(saving, count)[0])
        assert off.max() <= 1
        assert (off > 0).mean() < 0.01


class TestWords:
    def test_omnigen_gets_a_placeholder_for_each_image(self, family_folder: Path) -> None:
        _, facts = drawn(load_family(family_folder, "omnigen"), 2)
        assert facts["words"] == (
            "According to these images of thing 1: <img><|image_1|></img>, thing 2: <img><|image_2|></img>, "
            "generate an owl"
        )

    def test_edit_models_are_told_which_image_is_what(self, family_folder: Path) -> None:
        _, facts = drawn(load_family(family_folder, "flux2-klein"), 2)
        assert facts["words"] == "According to these images of thing 1 (image 1), thing 2 (image 2), generate an owl"

    def test_a_stitched_sheet_is_read_from_the_left(self, family_folder: Path) -> None:
        _, facts = drawn(load_family(family_folder, "kontext"), 2)
        assert "thing 2 (picture 2 from the left)" in facts["words"]

    def test_a_conditioned_prompt_is_not_conditioned_twice(self, family_folder: Path) -> None:
        generator = load_family(family_folder, "sd15")
        request = DrawRequest("According to these images of thing 1, generate an owl", (7,), references(1), 0.5)
        assert generator.draw(request)[0].facts["words"] == "According to this image of thing 1, generate an owl"

    def test_the_longest_text_encoder_counts(self, family_folder: Path) -> None:
        prompt = "o" * 200  # beyond CLIP's 77, within T5's 256
        assert load_family(family_folder, "sd35").draw(DrawRequest(prompt, (7,)))[0].facts["notes"] == []
        notes = load_family(family_folder, "sd35").draw(DrawRequest("o" * 300, (7,)))[0].facts["notes"]
        assert "not read: 'ooooo" in str(notes)
