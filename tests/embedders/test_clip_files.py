"""Which files of which repositories a CLIP model is loaded from."""

from pathlib import Path

from imagerag.embedders.clip_files import clip_parts


def test_of_open_clips_table_its_weights_and_its_tokenizer() -> None:
    (weights,) = clip_parts("ViT-B-16-SigLIP2:webli")
    assert weights.where == "timm/ViT-B-16-SigLIP2"
    assert weights.files.patterns[0] == "open_clip_model.safetensors"
    assert "*.json" in weights.files.patterns, "its tokenizer is in the same repository"
    weights, tokenizer = clip_parts("roberta-ViT-B-32:laion2b_s12b_b32k")
    assert (weights.where, tokenizer.where) == ("laion/CLIP-ViT-B-32-roberta-base-laion2B-s12B-b32k", "roberta-base")
    assert (weights.role, tokenizer.role) == ("weights", "tokenizer")


def test_of_a_repository_and_of_a_folder(tmp_path: Path) -> None:
    (of_repository,) = clip_parts("hf-hub:owner/clip")
    (of_folder,) = clip_parts(str(tmp_path))
    assert (of_repository.where, of_folder.where) == ("owner/clip", str(tmp_path))
    assert of_folder.files.patterns == ("open_clip_config.json", "open_clip_model.safetensors")
    assert of_folder.files.lacking(tmp_path) == ["open_clip_config.json", "open_clip_model.safetensors"]


def test_nothing_is_fetched_of_the_embedded_one_of_a_file_and_of_no_model(tmp_path: Path) -> None:
    (tmp_path / "mine.pt").write_bytes(b"")
    for name in ("embedded", f"ViT-B-32:{tmp_path / 'mine.pt'}", "ViT-B-32:nosuch"):
        assert list(clip_parts(name)) == []
