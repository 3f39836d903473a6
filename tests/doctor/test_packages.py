"""Packages that are there and that are lacking."""

import pytest

from imagerag.doctor import packages
from imagerag.doctor.packages import check_packages
from tests.doctor.conftest import SettingsOf


def test_those_that_are_there_have_their_version(settings_of: SettingsOf) -> None:
    (finding,) = check_packages(settings_of(lookup_model="ViT-B-32:laion2b_s34b_b79k"))
    assert finding.status == "ok"
    assert "open_clip 3" in finding.text


def test_those_that_are_lacking_are_named_with_what_installs_them(
    settings_of: SettingsOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    settings = settings_of(
        generator="kolors", vlm="openai:gpt-6.1-sol", critic="mistralai:m", memory="4bit", lookup_model="ViT-B-32:x"
    )
    mends = {finding.text.split("'")[-2]: finding.mend for finding in check_packages(settings)}
    assert mends["langchain_openai"] == "pip install 'imagerag[vlm]'"
    assert mends["langchain_mistralai"] == "pip install langchain-mistralai"
    assert mends["sentencepiece"] == mends["bitsandbytes"] == "pip install 'imagerag[diffusion]'"
    assert mends["open_clip"] == "pip install open_clip_torch"
    assert {"torch", "diffusers", "transformers", "langchain"} <= set(mends)
