"""How references go into edit pipelines, by class; each is drawn with in test_families.py."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imagerag.generators.base import DrawRequest, Reference
from imagerag.generators.diffusion.edit import EDITORS, EditFamily
from imagerag.generators.diffusion.families import FAMILIES
from imagerag.generators.diffusion.presets import load_presets
from imagerag.picture_size import PictureSize
from testing.family_requests import drawn, load_family, references


def family(class_name: str, preset: str, **changes: Any) -> EditFamily:
    pipeline: Any = type(class_name, (), {"__call__": lambda self, prompt: None})()
    return EditFamily(pipeline, load_presets({})[preset].model_copy(update=changes))


def given(class_name: str, preset: str, count: int) -> dict[str, Any]:
    return family(class_name, preset).arguments(DrawRequest("an owl", (1,), references(count), 0.5))


def test_every_family_has_its_class() -> None:
    assert {preset.family for preset in load_presets({}).values()} == set(FAMILIES)


def test_a_list_or_one_sheet_under_the_name_that_the_class_has() -> None:
    assert [image.size for image in given("Flux2Pipeline", "flux2", 2)["image"]] == [(341, 256)] * 2
    assert len(given("JoyImageEditPlusPipeline", "joy-edit-plus", 5)["images"]) == 5
    assert [image.size for image in given("GlmImagePipeline", "glm-image", 2)["image"]] == [(1024, 1024)] * 2
    assert given("FluxKontextPipeline", "kontext", 1)["image"].size == (341, 256)
    assert given("LongCatImageEditPipeline", "longcat-edit", 1)["image"].size == (341, 341), "as the drawing will be"


def strip(width: int, height: int, class_name: str, preset: str, count: int = 1) -> Image.Image:
    """What goes in for red references of that size: the first image, with all that is red in it."""
    shown = tuple(Reference(Image.new("RGB", (width, height), "red"), f"thing {k}") for k in range(count))
    made = family(class_name, preset).arguments(DrawRequest("an owl", (1,), shown, 0.5))
    image: Image.Image | list[Image.Image] = next(iter(made.values()))
    return image if isinstance(image, Image.Image) else image[0]


def red_part(image: Image.Image) -> tuple[int, int]:
    """The size of the part of an image that isn't white."""
    box = Image.eval(image.getchannel("G"), lambda value: 255 - value).getbbox()
    assert box is not None
    return box[2] - box[0], box[3] - box[1]


@pytest.mark.parametrize(("width", "height"), [(2000, 100), (100, 2000), (4, 1), (20_000, 1), (30, 9000)])
@pytest.mark.parametrize("name", [name for name in EDITORS if name != "GlmImagePipeline"])
def test_a_strip_is_set_on_a_sheet_that_is_no_strip(name: str, width: int, height: int) -> None:
    image = strip(width, height, name, "flux2")
    assert max(image.size) / min(image.size) <= EDITORS[name].widest + 0.01
    assert min(image.size) >= 256
    assert image.width * image.height < 20e6
    part = red_part(image)
    if min(width, height) > 20:  # else a pixel more or less is a large part of it
        assert part[0] / part[1] == pytest.approx(width / height, rel=0.05)


def test_what_kontext_would_stretch_is_as_wide_as_its_widest_size() -> None:
    from diffusers.pipelines.flux.pipeline_flux_kontext import PREFERRED_KONTEXT_RESOLUTIONS

    for count in (2, 3):
        sheet = strip(400, 300, "FluxKontextPipeline", "kontext", count)
        ratio = sheet.width / sheet.height
        stretched = min((abs(ratio - w / h), w / h) for w, h in PREFERRED_KONTEXT_RESOLUTIONS)[1]
        assert stretched == pytest.approx(ratio, rel=0.01)
        part = red_part(sheet)
        assert part[0] / part[1] == pytest.approx(count * 4 / 3, rel=0.01), "side by side, none squeezed"


@pytest.mark.slow
@pytest.mark.usefixtures("small_pictures")
@pytest.mark.parametrize("name", ["flux2", "flux2-klein", "flux2-klein-9b-kv", "qwen-edit", "joy-edit-plus"])
def test_a_strip_is_drawn_with(name: str, family_folder: Path) -> None:
    banner = Reference(Image.new("RGB", (900, 60), "red"), "a banner")
    (drawing,) = load_family(family_folder, name).draw(DrawRequest("an owl", (1,), (banner,), 0.7))
    assert drawing.image.size == (32, 32)


@pytest.mark.parametrize(
    ("class_name", "preset"), [("LongCatImageEditPipeline", "longcat-edit"), ("JoyImageEditPipeline", "joy-edit")]
)
@pytest.mark.parametrize(("size", "ratio"), [(None, 1.0), ("16:9", 16 / 9), ("512x1024", 0.5)])
def test_a_sheet_has_the_proportions_that_are_drawn(
    class_name: str, preset: str, size: str | None, ratio: float
) -> None:
    wanted = None if size is None else PictureSize.parse(size)
    request = DrawRequest("an owl", (1,), references(1), 0.5, size=wanted)
    editing = family(class_name, preset)
    sheet = editing.arguments(request)["image"]
    width, height = editing.canvas(request)
    assert width / height == pytest.approx(ratio, rel=0.02)
    assert sheet.width / sheet.height == pytest.approx(width / height, rel=0.01)
    assert sheet.getpixel((0, 0)) == (255, 255, 255) or sheet.getpixel((0, sheet.height // 2)) == (255, 255, 255)


@pytest.mark.slow
@pytest.mark.usefixtures("small_pictures")
def test_another_ratio_is_drawn_and_not_stretched(family_folder: Path) -> None:
    generator = load_family(family_folder, "longcat-edit", width=64, height=64)
    decode, decoded = generator.pipeline.vae.decode, []

    def watched(latents: Any, *arguments: Any, **options: Any) -> Any:
        decoded.append(latents.shape[-1] / latents.shape[-2])
        return decode(latents, *arguments, **options)

    generator.pipeline.vae.decode = watched
    generator.draw(DrawRequest("an owl", (1,), references(1), 0.5, size=PictureSize(4, 1, is_exact=False)))
    assert decoded == [pytest.approx(4.0)]


@pytest.mark.parametrize("name", EDITORS)
def test_without_references_only_those_that_must_get_a_white_sheet(name: str) -> None:
    sheet = given(name, "joy-edit", 0)
    assert bool(sheet) == EDITORS[name].canvas
    if sheet:
        image: Image.Image = sheet["image"]
        assert (image.size, image.getextrema()) == ((1024, 1024), ((255, 255),) * 3)


@pytest.mark.parametrize(("most", "images"), [(1, 1), (4, 3)])
def test_a_class_whose_later_models_take_several_images_gives_them_as_many(most: int, images: int) -> None:
    editing = family("BriaFiboEditPipeline", "fibo-edit", max_references=most)
    given = editing.arguments(DrawRequest("an owl", (1,), references(images), 0.5))["image"]
    assert (len(given) if isinstance(given, list) else 1) == images
    said = json.loads(editing.words("an owl", references(images)).text)["edit_instruction"]
    assert ("(image 3)" in said) == (images == 3)


@pytest.mark.slow
def test_each_of_four_images_counts_for_one_of_them(family_folder: Path) -> None:
    generator = load_family(family_folder, "fibo-edit", max_references=4)
    pictures = {drawn(generator, count)[0].tobytes() for count in range(5)}
    assert len(pictures) == 5


def test_what_reads_json_is_told_in_json() -> None:
    said = family("BriaFiboEditPipeline", "fibo-edit").words('an "owl"', references(1))
    assert json.loads(said.text) == {"edit_instruction": 'According to this image of thing 1, generate an "owl"'}
    assert "plain words" in said.notes[0]
    joy = family("JoyImageEditPipeline", "joy-edit").words("an owl", ())
    assert (joy.text, joy.notes) == ("an owl", ())


def test_json_of_a_persons_own_reaches_it_as_it_is() -> None:
    own = '{"edit_instruction": "make it blue", "lighting": {}}'
    said = family("BriaFiboEditPipeline", "fibo-edit").words(own, references(1))
    assert (said.text, said.notes) == (own, ())


@pytest.mark.parametrize(("scale", "own", "left"), [(0.0, None, 0), (0.7, None, 2), (0.7, 0.0, 1), (0.0, 0.4, 1)])
def test_references_that_count_for_nothing_are_left_out(scale: float, own: float | None, left: int) -> None:
    red = Image.new("RGB", (8, 8), "red")
    asked = DrawRequest("an owl", (1,), (Reference(red, "a"), Reference(red, "b", scale=own)), scale)
    assert len(family("Flux2Pipeline", "flux2").counted(asked).references) == left


@pytest.mark.slow
@pytest.mark.usefixtures("small_pictures")
def test_at_scale_0_the_picture_is_that_without_references(family_folder: Path) -> None:
    generator = load_family(family_folder, "qwen-edit")
    without, _ = drawn(generator, 0)
    assert np.array_equal(drawn(generator, 1, 0.0)[0], without)
    assert not np.array_equal(drawn(generator, 1, 0.7)[0], without)
