"""Every parser and door with inputs that nobody would send, the same ones each time; benchmarks/fuzz.py has more."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from testing.fuzz_doors import DOORS, close_doors
from testing.fuzz_files import FILES
from testing.fuzz_parsers import PARSERS
from testing.fuzzing import Hung, Target, execute

pytestmark = [pytest.mark.slow, pytest.mark.fuzz]

FEW = 25
"""Inputs of each target."""


@pytest.fixture(scope="module", autouse=True)
def doors_are_closed() -> Iterator[None]:
    yield
    close_doors()


@pytest.mark.parametrize("target", [*PARSERS, *FILES, *DOORS], ids=lambda target: target.name)
def test_nothing_crashes_or_hangs(target: Target) -> None:
    if target.name == "http":
        pytest.importorskip("schemathesis")

    @settings(
        max_examples=FEW,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate),
    )
    @given(target.inputs)
    def run(data: object) -> None:
        execute(target, data)

    for known in target.known:
        execute(target, known)
    run()


FILL = """
from hypothesis.strategies import none
from testing.fuzzing import Target, execute

execute(Target("fill", none(), lambda given: b"x" * (256 * 2**20), mebibytes=32), None)
"""
"""Runs in a process of its own: in this one, memory that earlier tests gave back would be filled, and nothing taken."""


def test_what_the_limits_are_for_is_found() -> None:
    """An endless loop that swallows errors, one that fills the memory, and an error that is not allowed."""

    def loop(given: object) -> None:
        while True:
            try:
                sum(range(1000))
            except Exception:
                continue

    inputs = PARSERS[0].inputs
    with pytest.raises(Hung):
        execute(Target("loop", inputs, loop, seconds=0.2), None)
    told = subprocess.run([sys.executable, "-c", FILL], capture_output=True, text=True, timeout=300)
    assert "TooMuchMemory: fill took 2" in told.stderr
    with pytest.raises(ZeroDivisionError):
        execute(Target("crash", inputs, lambda given: 1 / given, allowed=(ValueError,)), 0)


def test_atheris_follows_the_code_that_inputs_reach(tmp_path: Path) -> None:
    pytest.importorskip("atheris")
    command = [sys.executable, "-m", "benchmarks.fuzz", "--engine", "atheris", "--minutes", "0.1", "--target", "names"]
    told = subprocess.run([*command, "--folder", str(tmp_path)], capture_output=True, text=True, timeout=300)
    assert told.returncode == 0, told.stdout
    assert json.loads((tmp_path / "names.json").read_text())["executions"] > 0
    assert any((tmp_path / "guided" / "names").iterdir()), "no input reached new code"


def test_atheris_takes_no_server() -> None:
    command = [sys.executable, "-m", "benchmarks.fuzz", "--engine", "atheris", "--target", "http"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert told.returncode == 2
    assert "--engine atheris takes no server such as 'http'; valid: answers, " in told.stderr
