"""Drawing with ``--fast``: measured once, told each time, and given up where it fails."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from imagerag.errors import BudgetExceeded, Cancelled
from imagerag.generators.base import DrawControl, Drawing, DrawRequest
from imagerag.generators.diffusion.drawing import DiffusionGenerator
from imagerag.generators.diffusion.fast import Taken
from imagerag.generators.diffusion.fast_drawing import FastDrawing
from imagerag.generators.diffusion.fast_measurement import Measurement, Record
from imagerag.generators.registry import load_generator
from testing.family_requests import load_family, references

OWL = DrawRequest("an owl", (1,))


class Switch:
    """Stands in for what is taken, and says whether it is on."""

    def __init__(self, taken: Taken) -> None:
        self.taken, self.on = taken, False

    def switch_on(self) -> None:
        self.on = True

    def remove(self) -> None:
        self.on = False


CACHED = Taken("FirstBlockCache")


def drawing_fast(tmp_path: Path, taken: Taken = CACHED) -> tuple[FastDrawing, Switch]:
    switch: Any = Switch(taken)
    record = Record(tmp_path / "fast.json")
    return FastDrawing(switch, record, "key", "a model on a card", 2, torch.device("cpu")), switch


def two_steps(switch: Switch, fails: Callable[[], None] = lambda: None) -> Callable[[DrawControl], list[Drawing]]:
    def draw(control: DrawControl) -> list[Drawing]:
        control.step(1, 2)
        if switch.on:
            fails()
        control.step(2, 2)
        return [Drawing(Image.new("RGB", (8, 8), "red" if switch.on else "black"), 1, {"notes": ["a"]})]

    return draw


def colour(drawings: list[Drawing]) -> str:
    return "fast" if drawings[0].image.getpixel((0, 0)) == (255, 0, 0) else "plain"


def notes(drawings: list[Drawing]) -> list[str]:
    told = drawings[0].facts["notes"]
    assert isinstance(told, list)
    return told


def test_the_first_picture_is_drawn_both_ways_and_later_ones_are_not(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    control = DrawControl(on_step=lambda done, total: steps.append((done, total)))
    fast, switch = drawing_fast(tmp_path)
    first = fast.drawn(two_steps(switch), control)
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert colour(first) == "fast"
    fact: Any = first[0].facts["fast"]
    assert fact["takes"] == ["FirstBlockCache"]
    assert fact["difference"] == 85.0
    assert "85.0 of 255" in notes(first)[-1]
    steps.clear()
    again = fast.drawn(two_steps(switch), control)
    assert steps == [(1, 2), (2, 2)]
    assert again[0].facts["fast"] == fact
    another, other = drawing_fast(tmp_path)  # of another process
    assert another.drawn(two_steps(other), control)[0].facts["fast"] == fact
    assert len(steps) == 4


def test_a_batch_is_told_as_the_pictures_that_it_has(tmp_path: Path) -> None:
    fast, switch = drawing_fast(tmp_path)
    drawn = fast.drawn(two_steps(switch), DrawControl(), 3)
    fact: Any = drawn[0].facts["fast"]
    assert fact["pictures"] == 3
    assert "measured" in notes(drawn)[-1]
    assert "with 3 pictures at once of 8 x 8 in 2 steps" in notes(drawn)[-1]


def test_what_there_is_not_is_told_beside_what_is_taken(tmp_path: Path) -> None:
    for taken, told in ((Taken(channels_last=True), "--fast took channels last: "), (Taken(), "--fast is ignored: ")):
        switch: Any = Switch(taken)
        record, device = Record(tmp_path / "fast.json"), torch.device("cpu")
        fast = FastDrawing(switch, record, "key", "a model on a card", 2, device, "no cache of steps, since so")
        (note,) = [note for note in notes(fast.drawn(two_steps(switch), DrawControl())) if "--fast" in note]
        assert note.startswith(told)
        assert note.endswith("; no cache of steps, since so")


def test_what_a_compiler_does_is_not_measured(tmp_path: Path) -> None:
    fast, switch = drawing_fast(tmp_path, Taken(compiled=True))
    calls: list[bool] = []
    draw = two_steps(switch, lambda: calls.append(switch.on))
    fast.drawn(draw, DrawControl())
    assert calls == [True, True]


def test_where_it_fails_the_picture_is_drawn_without_and_that_is_told(tmp_path: Path) -> None:
    fast, switch = drawing_fast(tmp_path)

    def fails() -> None:
        raise RuntimeError("no kernel\nfor this")

    for _ in range(2):
        drawn = fast.drawn(two_steps(switch, fails), DrawControl())
        assert colour(drawn) == "plain"
        assert notes(drawn) == ["a", "--fast is ignored: FirstBlockCache failed (no kernel)"]
        assert "fast" not in drawn[0].facts
    assert fast.names == []


@pytest.mark.parametrize("error", [Cancelled("stopped"), torch.OutOfMemoryError("CUDA out of memory")])
def test_what_is_no_fault_of_it_is_raised(error: Exception, tmp_path: Path) -> None:
    fast, switch = drawing_fast(tmp_path)

    def fails() -> None:
        raise error

    with pytest.raises(type(error)):
        fast.drawn(two_steps(switch, fails), DrawControl())


def test_a_picture_is_not_lost_where_the_time_runs_out_while_it_is_measured(tmp_path: Path) -> None:
    fast, switch = drawing_fast(tmp_path)

    def fails() -> None:
        raise BudgetExceeded("seconds", 10, 10)

    drawn = fast.drawn(two_steps(switch, fails), DrawControl())
    assert colour(drawn) == "plain"
    assert "the time ran out" in notes(drawn)[-1]
    known = Measurement(2.0, 1.0, 8, 8, 2, "a card", "2026-11-29")
    Record(tmp_path / "fast.json").put("key", known)
    with pytest.raises(BudgetExceeded):
        fast.drawn(two_steps(switch, fails), DrawControl())


def test_a_model_for_which_there_is_nothing_says_so(tmp_path: Path) -> None:
    fast, switch = drawing_fast(tmp_path, Taken())
    drawn = fast.drawn(two_steps(switch), DrawControl())
    assert notes(drawn)[-1] == "--fast is ignored: there is nothing for a model on a card"


def test_a_record_that_cannot_be_written_costs_no_picture(tmp_path: Path) -> None:
    (tmp_path / "fast.json").mkdir()
    fast, switch = drawing_fast(tmp_path)
    drawn = fast.drawn(two_steps(switch), DrawControl())
    assert colour(drawn) == "fast"
    assert "measured anew" in notes(drawn)[-1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sdxl", "flux2-klein-base"])
def test_a_generator_draws_fast_with_references_and_without(name: str, family_folder: Path, tmp_path: Path) -> None:
    plain = load_family(family_folder, name, steps=12)
    file = tmp_path / "fast.json"
    fast = DiffusionGenerator(plain.preset, loaded=plain._loaded, fast=file)
    assert fast.fast
    assert not plain.fast
    assert fast.revision != plain.revision
    for request in (OWL, replace(OWL, references=references(1), reference_scale=0.7)):
        drawn = fast.draw(request)[0]
        fact: Any = drawn.facts["fast"]
        assert fact["gain"] > 0
        assert np.array_equal(np.asarray(fast.draw(request)[0].image), np.asarray(drawn.image))
    assert file.is_file()


@pytest.mark.slow
def test_less_memory_leaves_out_what_it_cannot_have(family_folder: Path, tmp_path: Path) -> None:
    plain = load_family(family_folder, "flux", steps=12)
    fast = DiffusionGenerator(plain.preset, loaded=plain._loaded, fast=tmp_path / "fast.json")
    fast.draw(OWL)
    fast._step_down("sequential")
    told = fast.draw(OWL)[0].facts["notes"]
    assert isinstance(told, list)
    assert "--fast is ignored: there is nothing for FluxPipeline" in told[-1]
    assert fast.revision == plain.revision


@pytest.mark.slow
def test_a_folder_is_loaded_to_draw_fast(family_folder: Path, tmp_path: Path) -> None:
    model = load_family(family_folder, "kontext").preset.model
    generator = load_generator(f"diffusers:{model}", None, (), tmp_path / "fast.json")
    assert isinstance(generator, DiffusionGenerator)
    assert generator.fast
