"""The Patchwork generator: seeds, references, stops and facts."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from imagerag.assets.library import Library
from imagerag.embedders.registry import embedded_clip
from imagerag.errors import Cancelled, InvalidArgument
from imagerag.generators.base import DrawControl, DrawRequest, Reference
from imagerag.generators.patchwork import PatchworkGenerator
from imagerag.generators.patchwork.drawing import PREVIEW_EVERY
from imagerag.picture_size import PictureSize
from testing.patchwork_requests import SIZE, STEPS, objects, picture, pixels


@pytest.mark.slow
def test_the_same_request_gives_the_same_pixels(patchwork: PatchworkGenerator, library: Library) -> None:
    again = PatchworkGenerator(library, embedded_clip(), size=SIZE, steps=STEPS)
    request = DrawRequest("an owl and a red cat", (3, 2**63 - 1))
    first, second = patchwork.draw(request), again.draw(request)
    assert [drawing.seed for drawing in first] == [3, 2**63 - 1]
    assert all(np.array_equal(pixels(a), pixels(b)) for a, b in zip(first, second, strict=True))
    assert patchwork.revision == again.revision


@pytest.mark.slow
def test_threads_do_not_change_pixels(patchwork: PatchworkGenerator) -> None:
    request = DrawRequest("an owl and a cat", (3,))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = patchwork.draw(request)[0]
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(pixels(alone), pixels(patchwork.draw(request)[0]))


@pytest.mark.slow
@pytest.mark.parametrize("company", [(7,), (7, 1), (1, 2, 7, 4), (7, 7)])
def test_other_seeds_in_the_batch_do_not_matter(patchwork: PatchworkGenerator, company: tuple[int, ...]) -> None:
    alone = patchwork.draw(DrawRequest("an owl next to a tree", (7,)))[0]
    batch = patchwork.draw(DrawRequest("an owl next to a tree", company))
    for drawing in batch:
        assert np.array_equal(pixels(drawing), pixels(alone)) == (drawing.seed == 7)


@pytest.mark.slow
def test_scale_0_ignores_references(patchwork: PatchworkGenerator, library: Library, kimono: Reference) -> None:
    plain = patchwork.draw(DrawRequest("an owl", (5,)))[0]
    ignored = patchwork.draw(DrawRequest("an owl", (5,), (kimono, picture(library, "owl")), 0.0))[0]
    assert np.array_equal(pixels(plain), pixels(ignored))
    assert objects(plain) == objects(ignored)


@pytest.mark.slow
@pytest.mark.parametrize("prompt", ["an owl", "a kimono", "an owl and a cat"])
def test_a_larger_scale_comes_nearer_to_the_reference(
    patchwork: PatchworkGenerator, prompt: str, library: Library
) -> None:
    reference = picture(library, "kimono", prompt.split(" and ")[0])
    seeds = tuple(range(6))
    alone = patchwork.draw(DrawRequest(prompt, seeds, (reference,), 1.0))
    distances = []
    for scale in (0.0, 0.3, 0.6, 0.95):
        drawn = patchwork.draw(DrawRequest(prompt, seeds, (reference,), scale))
        distances.append(np.mean([np.abs(pixels(a) - pixels(b)).mean() for a, b in zip(drawn, alone, strict=True)]))
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.6 * distances[0]


@pytest.mark.slow
def test_scale_1_draws_from_the_reference_alone(patchwork: PatchworkGenerator, kimono: Reference) -> None:
    examples = objects(patchwork.draw(DrawRequest("a kimono", (5,), (kimono,), 1.0))[0])[0]["examples"]
    assert [(example["reference"], example["sha256"]) for example in examples] == [(True, kimono.sha256)]  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize("after", [0, 1, 4])
def test_it_stops_between_two_steps(patchwork: PatchworkGenerator, after: int) -> None:
    done: list[tuple[int, int]] = []

    def check() -> None:
        if len(done) == after:
            raise Cancelled

    with pytest.raises(Cancelled):
        patchwork.draw(DrawRequest("an owl", (5, 6)), DrawControl(check, lambda step, of: done.append((step, of))))
    assert done == [(step + 1, STEPS) for step in range(after)]


@pytest.mark.slow
def test_every_step_is_asked_for_and_told(patchwork: PatchworkGenerator) -> None:
    events: list[str] = []
    patchwork.draw(
        DrawRequest("an owl", (5, 6)),
        DrawControl(lambda: events.append("check"), lambda step, of: events.append(f"{step}/{of}")),
    )
    assert events == [event for step in range(STEPS) for event in ("check", f"{step + 1}/{STEPS}")]


@pytest.mark.slow
def test_facts_can_be_written_down(patchwork: PatchworkGenerator, kimono: Reference) -> None:
    drawing = patchwork.draw(DrawRequest("two owls in a kimono, flat style", (1,), (kimono,), 0.5))[0]
    assert json.loads(json.dumps(drawing.facts)) == drawing.facts
    assert drawing.image.mode == "RGB"
    assert drawing.image.size == (SIZE, SIZE)


@pytest.mark.parametrize("bad", [{"size": 8}, {"size": 4096}, {"steps": 0}, {"steps": 201}])
def test_bad_settings_are_named(library: Library, bad: dict[str, int]) -> None:
    with pytest.raises(InvalidArgument, match=str(next(iter(bad.values())))):
        PatchworkGenerator(library, embedded_clip(), **bad)


@pytest.mark.slow
def test_previews_show_what_comes(library: Library) -> None:
    patchwork = PatchworkGenerator(library, embedded_clip(), size=SIZE, steps=20)
    seen: list[Image.Image] = []
    plain = patchwork.draw(DrawRequest("a red apple", (3,)))
    told = patchwork.draw(DrawRequest("a red apple", (3,)), DrawControl(on_preview=seen.append))
    assert np.array_equal(np.asarray(plain[0].image), np.asarray(told[0].image))
    assert len(seen) == 1 + 19 // PREVIEW_EVERY, "after the first step, too"
    unlike = [abs(np.asarray(image, float) - np.asarray(told[0].image, float)).mean() for image in seen]
    assert unlike == sorted(unlike, reverse=True)


@pytest.mark.parametrize(("size", "canvas"), [("2:1", (128, 64)), ("640x1280", (64, 128)), ("99x99", (64, 64))])
def test_a_wider_canvas_shows_more_of_the_background(
    patchwork: PatchworkGenerator, size: str, canvas: tuple[int, int]
) -> None:
    square = patchwork.draw(DrawRequest("an owl on a yellow background", (3,)))[0].image
    image = patchwork.draw(DrawRequest("an owl on a yellow background", (3,), size=PictureSize.parse(size)))[0].image
    assert image.size == canvas
    left, top = (canvas[0] - SIZE) // 2, (canvas[1] - SIZE) // 2
    assert np.array_equal(np.asarray(image.crop((left, top, left + SIZE, top + SIZE))), np.asarray(square))
    assert image.getpixel((0, 0)) == image.getpixel((canvas[0] - 1, canvas[1] - 1)) == square.getpixel((0, 0))
