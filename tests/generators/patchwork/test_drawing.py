"""The embedded generator, with the real library and the real text embedder."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from imagerag.assets.library import Library
from imagerag.embedders.registry import embedded_clip
from imagerag.errors import Cancelled, InvalidArgument
from imagerag.generators.base import Drawing, DrawRequest, Reference
from imagerag.generators.patchwork import PatchworkGenerator
from imagerag.generators.patchwork.denoiser import PatchPosterior, box_mean
from imagerag.generators.patchwork.drawing import PREVIEW_EVERY
from imagerag.generators.patchwork.matting import cut_out
from imagerag.generators.patchwork.pipeline import Layer, PatchworkPipeline, default_scheduler
from imagerag.prompt_grammar.vocabulary import COLOURS

SIZE, STEPS = 64, 10


@pytest.fixture(scope="module")
def library() -> Library:
    return Library()


@pytest.fixture(scope="module")
def painter(library: Library) -> PatchworkGenerator:
    return PatchworkGenerator(library, embedded_clip(), size=SIZE, steps=STEPS)


@pytest.fixture(scope="module")
def kimono(library: Library) -> Reference:
    """A picture that the base set lacks."""
    return picture(library, "kimono")


def picture(library: Library, concept: str, stands_for: str | None = None) -> Reference:
    row = library.by_concept[concept][0]
    stands_for = concept if stands_for is None else stands_for
    return Reference(library.image(row), stands_for, sha256=library.entries[row].sha256)


def pixels(drawing: Drawing) -> NDArray[np.float64]:
    return np.asarray(drawing.image, dtype=np.float64) / 255


def objects(drawing: Drawing) -> list[dict[str, object]]:
    found = drawing.facts["objects"]
    assert isinstance(found, list)
    return found


def boxes(painter: PatchworkGenerator, prompt: str) -> list[tuple[int, int, int, int]]:
    return [tuple(thing["box"]) for thing in objects(painter.draw(DrawRequest(prompt, (1,)))[0])]  # type: ignore[arg-type]


# Seeds


def test_the_same_request_gives_the_same_pixels(painter: PatchworkGenerator, library: Library) -> None:
    again = PatchworkGenerator(library, embedded_clip(), size=SIZE, steps=STEPS)
    request = DrawRequest("an owl and a red cat", (3, 2**63 - 1))
    first, second = painter.draw(request), again.draw(request)
    assert [drawing.seed for drawing in first] == [3, 2**63 - 1]
    assert all(np.array_equal(pixels(a), pixels(b)) for a, b in zip(first, second, strict=True))
    assert painter.revision == again.revision


def test_threads_do_not_change_pixels(painter: PatchworkGenerator) -> None:
    request = DrawRequest("an owl and a cat", (3,))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = painter.draw(request)[0]
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(pixels(alone), pixels(painter.draw(request)[0]))


@pytest.mark.parametrize("company", [(7,), (7, 1), (1, 2, 7, 4), (7, 7)])
def test_other_seeds_in_the_batch_do_not_matter(painter: PatchworkGenerator, company: tuple[int, ...]) -> None:
    alone = painter.draw(DrawRequest("an owl next to a tree", (7,)))[0]
    batch = painter.draw(DrawRequest("an owl next to a tree", company))
    for drawing in batch:
        assert np.array_equal(pixels(drawing), pixels(alone)) == (drawing.seed == 7)


def test_two_of_a_kind_are_not_the_same_drawing_twice(painter: PatchworkGenerator) -> None:
    drawing = painter.draw(DrawRequest("two owls", (7,)))[0]
    first, second = [np.asarray(drawing.image.crop(thing["box"]), float) for thing in objects(drawing)]
    assert np.abs(first - second).mean() > 3


# References


def test_scale_0_ignores_references(painter: PatchworkGenerator, library: Library, kimono: Reference) -> None:
    plain = painter.draw(DrawRequest("an owl", (5,)))[0]
    ignored = painter.draw(DrawRequest("an owl", (5,), (kimono, picture(library, "owl")), 0.0))[0]
    assert np.array_equal(pixels(plain), pixels(ignored))
    assert objects(plain) == objects(ignored)


@pytest.mark.parametrize("prompt", ["an owl", "a kimono", "an owl and a cat"])
def test_a_larger_scale_comes_nearer_to_the_reference(
    painter: PatchworkGenerator, prompt: str, library: Library
) -> None:
    reference = picture(library, "kimono", prompt.split(" and ")[0])
    seeds = tuple(range(6))
    alone = painter.draw(DrawRequest(prompt, seeds, (reference,), 1.0))
    distances = []
    for scale in (0.0, 0.3, 0.6, 0.95):
        drawn = painter.draw(DrawRequest(prompt, seeds, (reference,), scale))
        distances.append(np.mean([np.abs(pixels(a) - pixels(b)).mean() for a, b in zip(drawn, alone, strict=True)]))
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.6 * distances[0]


def test_scale_1_draws_from_the_reference_alone(painter: PatchworkGenerator, kimono: Reference) -> None:
    examples = objects(painter.draw(DrawRequest("a kimono", (5,), (kimono,), 1.0))[0])[0]["examples"]
    assert [(example["reference"], example["sha256"]) for example in examples] == [(True, kimono.sha256)]  # type: ignore[attr-defined]


def test_a_reference_goes_to_the_object_that_it_stands_for(painter: PatchworkGenerator, kimono: Reference) -> None:
    drawing = painter.draw(DrawRequest("a lobster in a kimono", (5,), (kimono,), 0.7))[0]
    by_phrase = {thing["phrase"]: thing["examples"] for thing in objects(drawing)}
    weights = {
        phrase: sum(example["weight"] for example in examples if example["reference"])  # type: ignore[attr-defined]
        for phrase, examples in by_phrase.items()
    }
    assert weights == {"lobster": 0, "kimono": pytest.approx(0.7)}


def test_a_persons_own_picture_is_the_first_thing_of_the_prompt_alone(
    painter: PatchworkGenerator, kimono: Reference
) -> None:
    mine = Reference(kimono.image, "", "subject")
    drawing = painter.draw(DrawRequest("a cat on a house", (5,), (mine,), 1.0))[0]
    cat, house = (thing["examples"] for thing in objects(drawing))
    assert [example["reference"] for example in cat] == [True]  # type: ignore[attr-defined]
    assert not any(example["reference"] for example in house)  # type: ignore[attr-defined]


def test_a_reference_for_a_style_has_no_place(painter: PatchworkGenerator, kimono: Reference) -> None:
    reference = Reference(kimono.image, "flat style")
    assert painter.draw(DrawRequest("an owl, flat style", (5,), (reference,), 0.7))[0].facts["references_unused"] == [
        "flat style"
    ]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (300, 17), (40, 400), (640, 480)])
@pytest.mark.parametrize("busy", [False, True], ids=["plain border", "busy background"])
def test_any_photo_can_be_a_reference(painter: PatchworkGenerator, width: int, height: int, busy: bool) -> None:
    photo = Image.new("RGB", (width, height), (40, 90, 140))
    if busy:
        noise = np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8)
        photo = Image.fromarray(noise, "RGB")
    ImageDraw.Draw(photo).ellipse([width // 4, height // 4, width * 3 // 4, height * 3 // 4], (250, 20, 20))
    drawing = painter.draw(DrawRequest("my mug", (5,), (Reference(photo, "my mug", "subject"),), 0.95))[0]
    redness = pixels(drawing)[..., 0] - pixels(drawing)[..., 1:].max(axis=-1)
    assert min(width, height) < 4 or redness.max() > 0.5, "the red spot is in the drawing"


def test_a_plain_border_is_cut_away_and_a_busy_one_is_kept() -> None:
    photo = Image.new("RGB", (200, 100), "white")
    ImageDraw.Draw(photo).rectangle([60, 30, 139, 79], "red", "black", 4)
    ImageDraw.Draw(photo).rectangle([90, 45, 109, 64], "white")
    cut = cut_out(photo)
    assert cut.shape[:2] == pytest.approx((48, 77), abs=3)
    assert cut[2:-2, 2:-2, 3].min() == 1, "white inside the object stays"
    busy = Image.fromarray(np.random.default_rng(1).integers(0, 255, (50, 60, 3), dtype=np.uint8), "RGB")
    assert cut_out(busy).shape == (50, 60, 4)


# Stopping, and run_log how far it is


@pytest.mark.parametrize("after", [0, 1, 4])
def test_it_stops_between_two_steps(painter: PatchworkGenerator, after: int) -> None:
    done: list[tuple[int, int]] = []

    def check() -> None:
        if len(done) == after:
            raise Cancelled

    with pytest.raises(Cancelled):
        painter.draw(DrawRequest("an owl", (5, 6)), check=check, on_step=lambda step, of: done.append((step, of)))
    assert done == [(step + 1, STEPS) for step in range(after)]


def test_every_step_is_asked_for_and_told(painter: PatchworkGenerator) -> None:
    events: list[str] = []
    painter.draw(
        DrawRequest("an owl", (5, 6)),
        check=lambda: events.append("check"),
        on_step=lambda step, of: events.append(f"{step}/{of}"),
    )
    assert events == [event for step in range(STEPS) for event in ("check", f"{step + 1}/{STEPS}")]


# What the prompt says


def test_layout_of_relations(painter: PatchworkGenerator) -> None:
    def middles(prompt: str) -> list[tuple[float, float]]:
        return [((left + right) / 2, (top + bottom) / 2) for left, top, right, bottom in boxes(painter, prompt)]

    (cat_x, cat_y), (dog_x, dog_y) = middles("a cat next to a dog")
    assert cat_x < dog_x
    assert abs(cat_y - dog_y) < SIZE / 8
    (cat_x, _), (dog_x, _) = middles("a cat to the right of a dog")
    assert cat_x > dog_x
    for prompt in ("a cat above a house", "a cat on a house"):
        (_, cat_y), (_, house_y) = middles(prompt)
        assert cat_y < house_y
    (_, cat_y), (_, tree_y) = middles("a cat under a tree")
    assert cat_y > tree_y


@pytest.mark.parametrize(
    ("prompt", "front"),
    [("a cat in front of a house", 0), ("a cat behind a house", 1), ("a cat on a house", 0), ("a cat in a house", 0)],
)
def test_what_is_in_front(painter: PatchworkGenerator, prompt: str, front: int) -> None:
    things = objects(painter.draw(DrawRequest(prompt, (1,)))[0])
    depths = [int(str(thing["depth"])) for thing in things]
    assert depths[front] > depths[1 - front]


@pytest.mark.parametrize(
    "prompt", ["a cat and a dog", "a cat, a dog and an owl", "a cat, a dog, an owl and a fish", "four cats"]
)
def test_things_side_by_side_do_not_hide_each_other(painter: PatchworkGenerator, prompt: str) -> None:
    found = boxes(painter, prompt)
    for i, (left, top, right, bottom) in enumerate(found):
        assert 0 <= left < right <= SIZE
        assert 0 <= top < bottom <= SIZE
        for other in found[:i]:
            wide = min(right, other[2]) - max(left, other[0])
            high = min(bottom, other[3]) - max(top, other[1])
            assert max(wide, 0) * max(high, 0) < 0.2 * (right - left) * (bottom - top)


@pytest.mark.parametrize(("prompt", "count"), [("a cat", 1), ("two cats", 2), ("three cats", 3), ("nine cats", 4)])
def test_counts(painter: PatchworkGenerator, prompt: str, count: int) -> None:
    drawing = painter.draw(DrawRequest(prompt, (1,)))[0]
    assert [thing["phrase"] for thing in objects(drawing)] == ["cat"] * count
    assert drawing.facts["dropped"] == (["5 more cat"] if count == 4 else [])


@pytest.mark.parametrize("colour", ["red", "green", "blue", "purple"])
def test_colour_words(painter: PatchworkGenerator, colour: str) -> None:
    drawing = painter.draw(DrawRequest(f"a {colour} owl on a yellow background", (1,)))[0]
    image = pixels(drawing)
    wanted, behind = np.array(COLOURS[colour]) / 255, np.array(COLOURS["yellow"]) / 255
    assert image[0, 0] == pytest.approx(behind, abs=0.01)
    drawn = image[np.abs(image - behind).max(axis=-1) > 0.1].mean(axis=0)
    nearest = min(("red", "green", "blue", "purple"), key=lambda name: _hue_distance(drawn, np.array(COLOURS[name])))
    assert nearest == colour
    assert _hue_distance(drawn, wanted) < 0.12


def _hue_distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    import colorsys

    difference = abs(colorsys.rgb_to_hsv(*(one / one.max()))[0] - colorsys.rgb_to_hsv(*(other / other.max()))[0])
    return float(min(difference, 1 - difference))


def test_style_words_choose_the_set(painter: PatchworkGenerator) -> None:
    drawing = painter.draw(DrawRequest("an owl, twemoji style", (1,)))[0]
    weights = {example["set"]: example["weight"] for example in objects(drawing)[0]["examples"]}  # type: ignore[attr-defined]
    assert max(weights, key=weights.__getitem__) == "twemoji" or "twemoji" not in weights
    assert painter.draw(DrawRequest("an owl, art deco style", (1,)))[0].facts["styles_ignored"] == ["art deco"]


# What it knows


def test_only_the_base_set_is_drawn_from(painter: PatchworkGenerator, library: Library) -> None:
    base = {entry.sha256 for entry in library.entries if entry.in_base}
    prompts = [f"a {name}" for name in library.lacking("dev")[:4]] + ["an owl", "a blorptastic quux", "一只猫"]
    for prompt in prompts:
        for thing in objects(painter.draw(DrawRequest(prompt, (1,)))[0]):
            assert {example["sha256"] for example in thing["examples"]} <= base  # type: ignore[attr-defined]


def test_facts_can_be_written_down(painter: PatchworkGenerator, kimono: Reference) -> None:
    drawing = painter.draw(DrawRequest("two owls in a kimono, flat style", (1,), (kimono,), 0.5))[0]
    assert json.loads(json.dumps(drawing.facts)) == drawing.facts
    assert drawing.image.mode == "RGB"
    assert drawing.image.size == (SIZE, SIZE)


# Bad requests


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"prompt": ""}, "''"),
        ({"prompt": " ,.. "}, "' ,.. '"),
        ({"seeds": ()}, "()"),
        ({"seeds": (-1,)}, "-1"),
        ({"seeds": (2**63,)}, str(2**63)),
        ({"reference_scale": -0.1}, "-0.1"),
        ({"reference_scale": 1.5}, "1.5"),
        ({"reference_scale": float("nan")}, "nan"),
        ({"references": 7}, "7 references"),
    ],
)
def test_bad_requests_are_named(
    painter: PatchworkGenerator, kimono: Reference, changes: dict[str, object], named: str
) -> None:
    request: dict[str, object] = {"prompt": "an owl", "seeds": (1,), **changes}
    if changes.get("references"):
        request["references"] = (kimono,) * (painter.max_references + 1)
    with pytest.raises(InvalidArgument) as caught:
        painter.draw(DrawRequest(**request))  # type: ignore[arg-type]
    assert named in str(caught.value)
    assert "valid: " in str(caught.value)


@pytest.mark.parametrize("bad", [{"size": 8}, {"size": 4096}, {"steps": 0}, {"steps": 201}])
def test_bad_settings_are_named(library: Library, bad: dict[str, int]) -> None:
    with pytest.raises(InvalidArgument, match=str(next(iter(bad.values())))):
        PatchworkGenerator(library, embedded_clip(), **bad)


# The pipeline and the denoiser by themselves


@pytest.fixture
def layers(library: Library) -> Sequence[Layer]:
    examples = []
    for row in library.by_concept["owl"][:3]:
        rgba = np.asarray(library.image(row).resize((48, 48)), dtype=np.float32) / 255
        examples.append(np.concatenate([rgba[..., :3] * rgba[..., 3:], rgba[..., 3:]], axis=-1).transpose(2, 0, 1))
    stack = torch.from_numpy(np.stack(examples))
    return [Layer(stack, torch.zeros(len(stack)), tuple(range(2, 2 + len(stack))), left=-4, top=30)]


def test_a_saved_pipeline_draws_the_same(layers: Sequence[Layer], tmp_path: Path) -> None:
    pipeline = PatchworkPipeline(default_scheduler())
    pipeline.save_pretrained(tmp_path)
    loaded = PatchworkPipeline.from_pretrained(tmp_path)
    one = pipeline(layers, (1, 2), size=SIZE, num_inference_steps=6, output_type="np").images
    other = loaded(layers, (1, 2), size=SIZE, num_inference_steps=6, output_type="np", return_dict=False)[0]
    assert one.shape == (2, SIZE, SIZE, 3)
    assert np.array_equal(one, other)


def test_a_callback_can_interrupt_and_replace_the_latents(layers: Sequence[Layer]) -> None:
    steps: list[int] = []

    def after(pipeline: PatchworkPipeline, step: int, _: int, tensors: dict[str, torch.Tensor]) -> dict[str, object]:
        steps.append(step)
        pipeline._interrupt = step == 2
        return {"latents": torch.full_like(tensors["latents"], -1)} if step == 2 else {}

    drawn = PatchworkPipeline(default_scheduler())(
        layers, (1,), size=SIZE, num_inference_steps=6, output_type="np", callback_on_step_end=after
    )
    assert steps == [0, 1, 2]
    assert np.array_equal(drawn.images, np.ones((1, SIZE, SIZE, 3))), "latents of -1 are wholly transparent"


def test_without_noise_an_example_is_its_own_estimate() -> None:
    rng = np.random.default_rng(1)
    examples = rng.uniform(-1, 1, (3, 4, 32, 32)).astype(np.float32)
    posterior = PatchPosterior(examples, np.zeros((3, 32, 32), np.float32))
    assert posterior(examples[1], 0.03) == pytest.approx(examples[1], abs=1e-3)


def test_the_patch_mean_counts_only_what_lies_inside() -> None:
    maps = np.random.default_rng(1).normal(size=(2, 9, 12)).astype(np.float32)
    direct = np.zeros_like(maps)
    for y in range(9):
        for x in range(12):
            direct[:, y, x] = maps[:, max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3].mean(axis=(1, 2))
    assert np.asarray(box_mean(maps, 2)) == pytest.approx(direct, abs=1e-5)


def test_previews_show_what_comes(library: Library) -> None:
    painter = PatchworkGenerator(library, embedded_clip(), size=SIZE, steps=20)
    seen: list[Image.Image] = []
    plain = painter.draw(DrawRequest("a red apple", (3,)))
    told = painter.draw(DrawRequest("a red apple", (3,)), on_preview=seen.append)
    assert np.array_equal(np.asarray(plain[0].image), np.asarray(told[0].image))
    assert len(seen) == 19 // PREVIEW_EVERY
    unlike = [abs(np.asarray(image, float) - np.asarray(told[0].image, float)).mean() for image in seen]
    assert unlike == sorted(unlike, reverse=True)
