"""Chat models that run here are not loaded: their files say what can be told."""

import json
from pathlib import Path

from imagerag.doctor.local_models import check_local_models
from tests.doctor.conftest import SettingsOf

TEMPLATE = "{% if tools %}{{ tools }}{% endif %}{% for message in messages %}{{ message.content }}{% endfor %}"


def checkpoint(folder: Path, config: object, template: object) -> str:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}), encoding="utf-8")
    return f"transformers:{folder}"


def test_a_model_with_tools_and_eyes(settings_of: SettingsOf, tmp_path: Path) -> None:
    name = checkpoint(tmp_path / "m", {"vision_config": {}}, TEMPLATE)
    (finding,) = check_local_models(settings_of(vlm=name, critic=name))
    assert (finding.status, finding.area) == ("ok", "vlm")
    assert finding.text.startswith(f"vlm and critic {name!r} is not asked, since that would load it; ")
    assert finding.text.endswith("its chat template has tools, and its configuration has a vision part")
    named = checkpoint(tmp_path / "n", {"vision_config": {}}, [{"name": "tool_use", "template": TEMPLATE}])
    assert check_local_models(settings_of(vlm=named))[0].status == "ok"


def test_a_model_without(settings_of: SettingsOf, tmp_path: Path) -> None:
    blind = checkpoint(tmp_path / "blind", {}, TEMPLATE)
    (finding,) = check_local_models(settings_of(vlm=blind))
    assert (finding.status, "no vision part" in finding.text) == ("warning", True)
    assert check_local_models(settings_of(vlm=blind, vlm_text_only=True))[0].status == "ok"
    plain = checkpoint(tmp_path / "plain", {"vision_config": {}}, "{{ messages }}")
    (finding,) = check_local_models(settings_of(vlm=plain))
    assert (finding.status, "has no tools" in finding.text) == ("warning", True)
    base = checkpoint(tmp_path / "base", {"vision_config": {}}, None)
    (finding,) = check_local_models(settings_of(vlm=base))
    assert "no chat template is in its files" in finding.text
    assert "-Instruct" in finding.mend


def test_a_model_that_is_not_here_and_one_that_does_not_run_here(settings_of: SettingsOf) -> None:
    (finding,) = check_local_models(settings_of(critic="transformers:owner/model"))
    assert finding.status == "warning"
    assert "its files are not here" in finding.text
    assert check_local_models(settings_of(vlm="openai:gpt-6.1-sol")) == []
