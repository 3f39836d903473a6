"""The doctor on a machine with nothing."""

import json
from pathlib import Path

import pytest

from testing.bare_machine import on_bare_machine

pytestmark = pytest.mark.slow

LACKING = {
    "pictograms": {},
    "local": {
        "'stable-diffusion-v1-5/stable-diffusion-v1-5'": "hf download stable-diffusion-v1-5/stable-diffusion-v1-5 ",
        "IP-Adapter of generator 'sd15'": "--include models/ip-adapter-plus_sd15.safetensors",
        "'timm/ViT-B-16-SigLIP2'": "hf download timm/ViT-B-16-SigLIP2 --include open_clip_model.safetensors ",
        "http://127.0.0.1:9 can't be reached": "check the network, or HF_ENDPOINT",
    },
    "cloud": {
        "OPENAI_API_KEY is not set": "OPENAI_API_KEY=YOUR_KEY",
        "'timm/ViT-B-16-SigLIP2'": "hf download timm/ViT-B-16-SigLIP2 ",
        "profile 'cloud' can't be used here": "set a key",
    },
    "comfyui": {
        "no ComfyUI answers there": "start it",
        "'timm/ViT-B-16-SigLIP2'": "hf download timm/ViT-B-16-SigLIP2 ",
    },
}


@pytest.mark.parametrize("profile", LACKING)
def test_every_lack_is_named_with_what_mends_it(profile: str, tmp_path: Path) -> None:
    # Without a GPU, whatever the machine of the test has.
    done = on_bare_machine(
        tmp_path, "-m", "imagerag", "doctor", "--profile", profile, "--json", CUDA_VISIBLE_DEVICES=""
    )
    assert "Traceback" not in done.stderr
    told = json.loads(done.stdout)
    wrong = [found for found in told["findings"] if found["status"] == "wrong"]
    assert done.returncode == (2 if wrong else 0)
    assert all(found["mend"] for found in wrong)
    for text, mend in LACKING[profile].items():
        assert any(text in found["text"] and mend in found["mend"] for found in wrong), (text, wrong)
    assert bool(wrong) == bool(LACKING[profile])
    assert not (tmp_path / "hf").exists(), "nothing is written"
    assert not (tmp_path / "data").exists()
