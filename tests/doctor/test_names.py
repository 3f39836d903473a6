"""A wrong name is told once, under the setting that it was given for, with its flag."""

from pathlib import Path

import pytest

from imagerag.doctor.examine import examine
from imagerag.doctor.names import check_names
from imagerag.profiles import resolve
from imagerag.settings import Settings


@pytest.mark.parametrize(
    ("area", "name", "told", "mend"),
    [
        ("critic", "clip:NoModel:notag", "no architecture 'NoModel'", "give --critic clip:MODEL:TAG"),
        ("critic", "clip:ViT-B-32:nonsense", "no weights 'nonsense'", "give --critic one of: clip:ViT-B-32:openai"),
        ("critic", "clip:", "is not understood", "give --critic clip:ViT-B-32:laion2b_s34b_b79k"),
        ("critic", "nope", "is not known", "give --critic one of: clip"),
        ("critic", "openai:", "is not known", "give --critic one of: clip"),
        ("lookup_model", "NoModel", "is not understood", "give --lookup-model embedded"),
        ("lookup_model", "embedded,NoModel", "'NoModel' is not understood", "give --lookup-model embedded"),
        ("lookup_model", "ViT-B-32:nonsense", "no weights 'nonsense'", "give --lookup-model one of: ViT-B-32:openai"),
        ("vlm", "openai:", "is not known", "give --vlm one of: rules"),
        ("vlm", "transformers:", "is not known", "give --vlm one of: rules"),
        ("vlm", "nope:x", "provider 'nope' is not known", "give --vlm a name such as openai:"),
        ("generator", "comfyui:none.json@http://127.0.0.1:1", "can't be read", "give --generator comfyui:"),
        (
            "library",
            "nope",
            "'nope' is not known",
            "give --library some of: bundled, own, openverse, commons, met, cleveland, inaturalist, or make it: "
            "imagerag index add FOLDER --library nope",
        ),
        ("generator", "nope", "is not known", "give --generator one of: patchwork"),
        ("generator", "file:/nowhere.safetensors", "is not there", "check the path of --generator file:PATH"),
        ("lora", "x.safetensors", "'patchwork' takes no LoRA", "leave it out"),
    ],
)
def test_a_wrong_name_is_told_once_with_its_flag(tmp_path: Path, area: str, name: str, told: str, mend: str) -> None:
    value = (name,) if area in ("library", "lora") else name
    found = examine(Settings(home=str(tmp_path), **{area: value}), offline=True)  # type: ignore[arg-type]
    wrong = [finding for finding in found.findings if finding.status == "wrong" and finding.area != "weights"]
    assert len(wrong) == 1, [finding.line for finding in wrong]
    assert wrong[0].area in (area, "index", "profile")
    assert told in wrong[0].text
    assert wrong[0].mend.startswith(mend)
    assert not [finding for finding in found.findings if finding.status != "ok" and name in finding.text][1:]


def test_a_critic_that_follows_the_look_up_model_is_not_told_apart() -> None:
    findings, settings = check_names(resolve(Settings(generator="sdxl", lookup_model="NoModel:x")))
    assert [finding.area for finding in findings] == ["lookup_model"]
    assert (settings.critic, settings.lookup_model) == ("clip", "embedded")


def test_names_that_may_be_are_left_alone() -> None:
    asked = resolve(Settings(critic="openai:gpt-6.1-sol", vlm="ollama:qwen3-vl", lookup_model="ViT-B-32:openai"))
    assert check_names(asked) == ([], asked)
