"""Other open_clip models: names, and the content of a checkpoint as its identity."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import open_clip
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from imagerag.embedders.clip import full_name, load_embedder, model_id_of
from imagerag.embedders.clip_names import file_lacks_quick_gelu, lacks_quick_gelu, open_clip_weights
from imagerag.errors import UserError
from testing.tiny_clip import TINY, save_checkpoint


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


@pytest.mark.parametrize(
    ("name", "model_id"),
    [
        ("ViT-B-32:openai", "open_clip:ViT-B-32-quickgelu/openai"),
        ("ViT-B-32-quickgelu:openai", "open_clip:ViT-B-32-quickgelu/openai"),
        ("open_clip:ViT-H-14/dfn5b", "open_clip:ViT-H-14-quickgelu/dfn5b"),
        ("ViT-L-14:metaclip_fullcc", "open_clip:ViT-L-14-quickgelu/metaclip_fullcc"),
        ("ViT-B-32:laion2b_s34b_b79k", "open_clip:ViT-B-32/laion2b_s34b_b79k"),
        ("hf-hub:some/model", "open_clip:hf-hub:some/model"),
    ],
)
def test_weights_of_quick_gelu_have_one_id_by_either_name(name: str, model_id: str) -> None:
    assert model_id_of(name) == model_id


def test_all_tags_that_need_it_are_known_to_open_clip_by_that_name() -> None:
    for architecture, tags in open_clip_weights().items():
        for tag in tags:
            if lacks_quick_gelu(architecture, tag):
                assert tag in open_clip_weights()[f"{architecture}-quickgelu"]


def test_weights_of_quick_gelu_are_loaded_with_it_and_without_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(save_checkpoint(tmp_path / "tiny", 1) / "open_clip_model.safetensors")
    tags = {"openai": {"file": file, "quick_gelu": True}, "laion": {"file": file}}
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny", TINY)
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny", tags)
    monkeypatch.setitem(open_clip_weights(), "tiny", tags)
    lacks_quick_gelu.cache_clear()
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*QuickGELU")
        quick, plain = (load_embedder(f"open_clip:tiny/{tag}") for tag in tags)
    lacks_quick_gelu.cache_clear()
    wanted, _, _ = open_clip.create_model_and_transforms("tiny", pretrained=file, force_quick_gelu=True)
    tokens = open_clip.get_tokenizer("tiny")(["an owl"])
    right = wanted.eval().encode_text(tokens, normalize=True).detach().numpy()
    assert np.abs(quick.embed_texts(["an owl"]) - right).max() < 1e-6
    assert np.abs(plain.embed_texts(["an owl"]) - right).max() > 1e-4
    assert (quick.model_id, plain.model_id) == ("open_clip:tiny-quickgelu/openai", "open_clip:tiny/laion")


OPENAI = "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"  # of its ViT-B-32.pt
LAION = "46683a32" + 56 * "0"  # vit_b_32-quickgelu-laion400m_e32-46683a32.pt


@pytest.mark.parametrize(
    ("architecture", "file", "sha256", "lacks"),
    [
        ("ViT-B-32", "/models/ViT-B-32.pt", OPENAI, True),
        ("ViT-B-32", "/models/mine.pt", LAION, True),
        ("ViT-B-32-quickgelu", "/models/ViT-B-32.pt", OPENAI, False),
        ("ViT-B-32", "/models/clip-openai-b32.safetensors", 64 * "0", True),
        ("ViT-H-14", "/hub/models--apple--DFN5B-CLIP-ViT-H-14/snapshots/0/open_clip_model.safetensors", 64 * "0", True),
        ("ViT-B-32", "/home/openai/laion.pt", 64 * "0", False),
        ("ViT-B-32", "/models/vit_b_32-laion2b.pt", 64 * "0", False),
        ("no-such", "/models/openai.pt", OPENAI, False),
    ],
)
def test_weights_in_a_file_are_told_by_their_hash_or_their_name(
    architecture: str, file: str, sha256: str, lacks: bool
) -> None:
    assert file_lacks_quick_gelu(architecture, Path(file), sha256) == lacks


def test_a_file_of_quick_gelu_is_loaded_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny", TINY)
    monkeypatch.setitem(open_clip_weights(), "tiny", {})
    weights = save_checkpoint(tmp_path / "tiny", 1) / "open_clip_model.safetensors"
    named = shutil.copy(weights, tmp_path / "from-openai.safetensors")
    quick, plain = (load_embedder(full_name(f"tiny:{file}")) for file in (named, weights))
    wanted, _, _ = open_clip.create_model_and_transforms("tiny", pretrained=str(weights), force_quick_gelu=True)
    right = wanted.eval().encode_text(open_clip.get_tokenizer("tiny")(["an owl"]), normalize=True).detach().numpy()
    assert np.abs(quick.embed_texts(["an owl"]) - right).max() < 1e-6
    assert np.abs(plain.embed_texts(["an owl"]) - right).max() > 1e-4
    assert quick.model_id.startswith("open_clip:tiny-quickgelu@")
    assert plain.model_id.startswith("open_clip:tiny@")


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000])
def test_damaged_weights_are_one_line(tmp_path: Path, content: bytes) -> None:
    folder = save_checkpoint(tmp_path / "one", 1)
    (folder / "open_clip_model.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"the weights of 'local-dir:.*one' are damaged \(.*\); copy or download"):
        load_embedder(full_name(str(folder)))


@pytest.mark.parametrize("ran_out", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")])
@pytest.mark.parametrize("name", ["embedded", "own"])
def test_too_little_memory_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ran_out: Exception, name: str
) -> None:
    folder = save_checkpoint(tmp_path / "own", 1)

    def refuse(*_: object, **__: object) -> None:
        raise ran_out

    monkeypatch.setattr("torch.nn.Module.to", refuse)
    with pytest.raises(UserError, match=r"does not fit into the memory of 'cpu'; close what else uses it"):
        load_embedder(name if name == "embedded" else full_name(str(folder)))


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"model_cfg": {}}', '{"model_cfg": 3}'])
def test_a_damaged_config_is_one_line(tmp_path: Path, content: str) -> None:
    folder = save_checkpoint(tmp_path / "one", 1)
    (folder / "open_clip_config.json").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match="open_clip could not load 'local-dir:"):
        load_embedder(full_name(str(folder)))


def test_weights_that_give_no_numbers_are_told(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "one", 1)
    tensors = load_file(folder / "open_clip_model.safetensors")
    tensors["visual.proj"] = tensors["visual.proj"] * float("nan")
    save_file(tensors, folder / "open_clip_model.safetensors")
    with pytest.raises(UserError, match=r"gives no numbers \(NaN\) on 'cpu': its weights are damaged"):
        load_embedder(full_name(str(folder))).embed_images([Image.new("RGB", (32, 32))])
