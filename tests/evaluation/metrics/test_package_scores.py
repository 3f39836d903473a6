"""Scores of other packages: packages of the same API, in this process and in one of another environment."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from imagerag.errors import UserError
from imagerag.evaluation.metrics import scorers
from imagerag.evaluation.metrics.package_scores import PACKAGES, ScorerProcess
from imagerag.evaluation.metrics.registry import load_metric
from tests.evaluation.metrics.drawings import OWL, drawing, plain

T2V_METRICS = """\
import torch
from PIL import Image

print("loading VQAScore")

def list_all_vqascore_models():
    return ["clip-flant5-xxl", "qwen3-vl-2b"]

class VQAScore(torch.nn.Module):
    def __init__(self, model="clip-flant5-xxl", device="cuda", cache_dir="", **kwargs):
        super().__init__()
        assert model in list_all_vqascore_models()
        self.weight = {"clip-flant5-xxl": 1.0, "qwen3-vl-2b": 0.5}[model]
        assert device == "cpu"

    def forward(self, images=None, texts=None, num_frames=8, **kwargs):
        red = [Image.open(image).convert("RGB").getpixel((0, 0))[0] / 255 for image in images]
        return torch.tensor([[self.weight * each * (text == "an owl") for text in texts] for each in red])
"""
HPSV3 = """\
import torch

class HPSv3RewardInferencer:
    def __init__(self, config_path=None, checkpoint_path=None, device="cuda", differentiable=False):
        self.start = 0.0 if checkpoint_path is None else 100.0

    def reward(self, image_paths, prompts):
        assert not torch.is_grad_enabled()
        return torch.tensor([[self.start + len(prompt), 0.5] for path, prompt in zip(image_paths, prompts)])
"""
IMAGE_REWARD = """\
import torch
from PIL import Image

class _Model:
    def score(self, prompt, image):
        assert not torch.is_grad_enabled()
        assert prompt == "an owl"
        return Image.open(image).size[0] / 32

def load(name="ImageReward-v1.0", device="cpu", download_root=None, med_config=None):
    if name != "ImageReward-v1.0":
        raise RuntimeError(f"Model {name} not found; available models = ['ImageReward-v1.0']")
    print("load checkpoint from somewhere")
    return _Model()
"""
SOURCES = {"t2v_metrics": T2V_METRICS, "hpsv3": HPSV3, "ImageReward": IMAGE_REWARD}


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with the three packages."""
    folder = tmp_path / "packages"
    for name, source in SOURCES.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(source, encoding="utf-8")
    return folder


@pytest.fixture
def installed(packages: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The packages, in this process."""
    monkeypatch.syspath_prepend(str(packages))
    for name in SOURCES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    return packages


@pytest.fixture
def environment(packages: Path, tmp_path: Path) -> Path:
    """An environment in which they are installed, and in which imagerag is not: ``bin/python`` of a virtual one."""
    python = tmp_path / "apart" / "bin" / "python"
    python.parent.mkdir(parents=True)
    start = f"import runpy, sys; sys.path.insert(0, {str(packages)!r}); sys.modules['imagerag'] = None; "
    start += "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    # The script is told -I first, as by a person's own Python.
    python.write_text(f'#!/bin/sh\nshift\nexec "{sys.executable}" -c "{start}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return tmp_path / "apart"


WANTED = {"vqascore": 1.0, "hpsv3": 6.0, "image-reward": 1.0}


@pytest.mark.parametrize("name", WANTED)
def test_in_this_process(name: str, installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metric = load_metric(name)
    assert (metric.name, metric.needs) == (name, frozenset())
    found = metric.measure(drawing(2), OWL, plain("red"))
    assert (found.value, found.seed) == (WANTED[name], 2)
    assert capsys.readouterr().out == "", "stdout is for results"


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for an environment is a shell script")
@pytest.mark.parametrize("name", WANTED)
def test_in_another_environment(name: str, environment: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for place in (environment, environment / "bin" / "python"):
        metric = load_metric(f"{name}@{place}")
        assert metric.name == name
        assert metric.measure(drawing(), OWL, plain("red")).value == WANTED[name]
        assert metric.measure(drawing(), OWL, plain("red")).value == WANTED[name]
    assert capfd.readouterr().out == ""


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for an environment is a shell script")
def test_another_model(installed: Path, environment: Path) -> None:
    metric = load_metric("vqascore:qwen3-vl-2b")
    assert metric.name == "vqascore-qwen3-vl-2b"
    assert metric.measure(drawing(), OWL, plain("red")).value == 0.5
    assert load_metric(f"hpsv3:own.pt@{environment}").measure(drawing(), OWL, plain("red")).value == 106.0


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for an environment is a shell script")
def test_what_a_package_refuses_is_told_in_one_line(installed: Path, environment: Path) -> None:
    for told in ("vqascore:nothing", f"vqascore:nothing@{environment}"):
        with pytest.raises(
            UserError, match="has no model 'nothing'; there are clip-flant5-xxl, qwen3-vl-2b"
        ) as refused:
            load_metric(told)
        assert "\n" not in str(refused.value)
    with pytest.raises(UserError, match="Model other not found"):
        load_metric("image-reward:other")


def test_a_program_that_is_missing_is_told(installed: Path) -> None:
    source = "raise RuntimeError('ffmpeg is a required system requirement but not found. Install with:\\nconda')"
    (installed / "t2v_metrics" / "__init__.py").write_text(source, encoding="utf-8")
    with pytest.raises(UserError, match="can't be loaded: ffmpeg is a required system requirement but not found"):
        load_metric("vqascore")


@pytest.mark.parametrize("name", PACKAGES)
def test_without_the_package_one_line_names_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGES[name].module, None)
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None)
    with pytest.raises(UserError) as refused:
        load_metric(name)
    package = PACKAGES[name].package
    assert f"metric {name!r} needs the package {package!r}, which is not installed" in str(refused.value)
    assert f"ENV/bin/pip install {package}" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_environment_without_the_package_is_told_with_the_command() -> None:
    missing = next(name for name in PACKAGES if not _importable(PACKAGES[name].module))
    with pytest.raises(UserError, match=rf"No module named .*; run: .* -m pip install {PACKAGES[missing].package}"):
        load_metric(f"{missing}@{sys.executable}")


def _importable(module: str) -> bool:
    return subprocess.run([sys.executable, "-I", "-c", f"import {module}"], capture_output=True).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for Python")
def test_a_scorer_that_ends_is_told(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    python.chmod(0o755)
    with pytest.raises(UserError, match=r"metric 'hpsv3': .* ended with status 3"):
        load_metric(f"hpsv3@{python}")
    python.chmod(0o644)
    with pytest.raises(UserError, match="can't run"):
        load_metric(f"hpsv3@{python}")


def test_an_environment_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="finds no Python in"):
        load_metric(f"hpsv3@{tmp_path}")
    with pytest.raises(UserError, match="names no environment behind @"):
        load_metric("hpsv3@")
    with pytest.raises(UserError, match="'clip@x' can't be measured in another environment"):
        load_metric("clip@x")


def test_the_scorers_script_answers_in_json_alone(tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    Image.new("RGB", (4, 4)).save(image)
    asked = [{"scorer": "unknown", "model": "", "device": "cpu"}, {"image": str(image), "prompt": "an owl"}, [1]]
    done = subprocess.run(
        [sys.executable, "-I", str(Path(scorers.__file__))],
        input="".join(json.dumps(each) + "\n" for each in asked) + "no json\n",
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 4
    assert all(set(answer) == {"error"} for answer in answers)
    assert answers[0]["error"] == "KeyError: 'unknown'"


def test_the_process_ends_with_the_metric() -> None:
    process = ScorerProcess("hpsv3", Path(sys.executable))
    process.close()
    with pytest.raises(UserError, match="ended with status"):
        process.ask({"image": "a.png", "prompt": "an owl"})
