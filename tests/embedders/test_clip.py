"""Other open_clip models: names, and the content of a checkpoint as its identity."""

from pathlib import Path

import pytest

from imagerag.embedders.clip import full_name, load_embedder, model_id_of
from imagerag.errors import UserError
from testing.tiny_clip import save_checkpoint


def test_names_as_people_write_them() -> None:
    assert full_name("embedded") == "embedded"
    assert full_name("ViT-B-32:laion2b_s34b_b79k") == "open_clip:ViT-B-32/laion2b_s34b_b79k"
    assert full_name("hf-hub:timm/ViT-B-16-SigLIP2") == "open_clip:hf-hub:timm/ViT-B-16-SigLIP2"
    assert full_name("open_clip:ViT-B-16-SigLIP2/webli") == "open_clip:ViT-B-16-SigLIP2/webli"
    with pytest.raises(UserError, match="ViT-B-32:laion2b_s34b_b79k"):
        full_name("ViT-B-32")


def test_a_checkpoint_counts_by_its_content(tmp_path: Path) -> None:
    one, other = save_checkpoint(tmp_path / "one", 1), save_checkpoint(tmp_path / "other", 2)
    assert load_embedder(full_name(str(one))).model_id == model_id_of(str(one))
    assert model_id_of(str(one)).split("@")[1] != model_id_of(str(other)).split("@")[1]
    (tmp_path / "two").mkdir()
    weights = other / "open_clip_model.safetensors"
    before = model_id_of(f"ViT-B-32:{weights}")
    weights.write_bytes((one / "open_clip_model.safetensors").read_bytes())
    assert model_id_of(f"ViT-B-32:{weights}") != before


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000])
def test_damaged_weights_are_one_line(tmp_path: Path, content: bytes) -> None:
    folder = save_checkpoint(tmp_path / "one", 1)
    (folder / "open_clip_model.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"the weights of 'local-dir:.*one' are damaged \(.*\); copy or download"):
        load_embedder(full_name(str(folder)))


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"model_cfg": {}}', '{"model_cfg": 3}'])
def test_a_damaged_config_is_one_line(tmp_path: Path, content: str) -> None:
    folder = save_checkpoint(tmp_path / "one", 1)
    (folder / "open_clip_config.json").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match="open_clip could not load 'local-dir:"):
        load_embedder(full_name(str(folder)))
