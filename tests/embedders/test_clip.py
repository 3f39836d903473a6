"""Other open_clip models: any checkpoint, several beside each other, and none taken for another."""

import json
import subprocess
import sys
from pathlib import Path

import open_clip
import pytest
import torch
from safetensors.torch import save_file

from imagerag.embedders.clip import full_name, load_embedder, model_id_of
from imagerag.embedders.registry import clip_model, embedded_clip
from imagerag.errors import UserError
from imagerag.graphs import Settings
from imagerag.graphs.components import open_index
from imagerag.index.user import ModelEnsemble, UserPictures, user_index_status, verify_user_index
from tests.index.user.test_store import put

TINY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


def checkpoint(folder: Path, seed: int) -> Path:
    """Write a tiny model of the CLIP architecture, with random weights, as open_clip keeps them in a folder."""
    folder.mkdir()
    torch.manual_seed(seed)
    model = open_clip.CLIP(**{**TINY, "vision_cfg": TINY["vision_cfg"], "text_cfg": TINY["text_cfg"]})
    preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3}
    content = {"model_cfg": TINY, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(content), encoding="utf-8")
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return folder


def test_names_as_people_write_them() -> None:
    assert full_name("embedded") == "embedded"
    assert full_name("ViT-B-32:laion2b_s34b_b79k") == "open_clip:ViT-B-32/laion2b_s34b_b79k"
    assert full_name("hf-hub:timm/ViT-B-16-SigLIP2") == "open_clip:hf-hub:timm/ViT-B-16-SigLIP2"
    assert full_name("open_clip:ViT-B-16-SigLIP2/webli") == "open_clip:ViT-B-16-SigLIP2/webli"
    with pytest.raises(UserError, match="ViT-B-32:laion2b_s34b_b79k"):
        full_name("ViT-B-32")


def test_a_checkpoint_counts_by_its_content(tmp_path: Path) -> None:
    one, other = checkpoint(tmp_path / "one", 1), checkpoint(tmp_path / "other", 2)
    assert load_embedder(full_name(str(one))).model_id == model_id_of(str(one))
    assert model_id_of(str(one)).split("@")[1] != model_id_of(str(other)).split("@")[1]
    (tmp_path / "two").mkdir()
    weights = other / "open_clip_model.safetensors"
    before = model_id_of(f"ViT-B-32:{weights}")
    weights.write_bytes((one / "open_clip_model.safetensors").read_bytes())
    assert model_id_of(f"ViT-B-32:{weights}") != before


def test_models_index_one_library_side_by_side(tmp_path: Path) -> None:
    for concept in ("owl", "lobster", "cat"):
        put(tmp_path / "p", f"{concept}.png", concept)
    home = tmp_path / "home"
    folder = str(checkpoint(tmp_path / "tiny", 1))
    first, second = UserPictures(home, embedded_clip()), UserPictures(home, clip_model(folder))
    first.add([tmp_path / "p"])
    with pytest.raises(UserError, match=r"next: imagerag index add .* which embeds"):
        second.search(["an owl"], 1)
    second.add([tmp_path / "p"])
    assert user_index_status(home)["models"] == sorted([first.embedder.model_id, second.embedder.model_id])
    assert user_index_status(home)["images"] == 3
    assert first.search(["an owl"], 1)[0][0].title == "owl"
    assert second.search(["lobster"], 1)[0][0].title == "lobster"  # random weights: only the caption's word tells
    for own in (first, second):
        assert verify_user_index(home, own.embedder.model_id)["problems"] == []
    (tmp_path / "p" / "owl.png").unlink()
    second.add([tmp_path / "p"])
    assert {hit.title for hit in first.search(["an owl"], 9)[0]} == {"lobster", "cat"}


def test_the_command_line_takes_a_model(tmp_path: Path) -> None:
    put(tmp_path / "p", "owl.png", "owl")
    folder = str(checkpoint(tmp_path / "tiny", 1))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "imagerag", *arguments, "--home", str(tmp_path / "home"), "--json"]
        return subprocess.run(command, capture_output=True, text=True)

    assert json.loads(run("index", "add", str(tmp_path / "p"), "--model", folder).stdout)["added"] == 1
    (found,) = json.loads(run("search", "an owl", "--model", folder).stdout)
    assert found["caption"] == "owl"
    refused = run("search", "an owl")
    assert refused.returncode == 2
    assert f"index add {tmp_path / 'p'}, which" in refused.stderr
    assert json.loads(run("index", "verify", "--model", folder).stdout)["recall"] == 1


@pytest.fixture
def two_models(tmp_path: Path) -> tuple[Path, list[str]]:
    """Return a data directory whose pictures two tiny models have embedded, and those models' names."""
    for concept in ("owl", "lobster", "cat", "kimono"):
        put(tmp_path / "p", f"{concept}.png", concept)
    names = [str(checkpoint(tmp_path / f"tiny{seed}", seed)) for seed in (1, 2)]
    for name in names:
        own = UserPictures(tmp_path / "home", clip_model(name))
        own.add([tmp_path / "p"])
        own.close()
    return tmp_path / "home", names


class TestSeveral:
    def test_ranks_of_all_models_and_of_the_words_count(self, two_models: tuple[Path, list[str]]) -> None:
        home, names = two_models
        each = [UserPictures(home, clip_model(name)) for name in names]
        several = ModelEnsemble(each)
        fused = several.search(["a lobster"], 4)[0]
        score: dict[str, float] = {}
        for own in each:
            for rank, hit in enumerate(own.search(["a lobster"], 4, fused=False)[0], 1):
                score[hit.title] = score.get(hit.title, 0) + 1 / (60 + rank)
        score["lobster"] += 1 / 61  # the only caption with that word
        assert [hit.title for hit in fused] == sorted(score, key=lambda title: -score[title])
        first, second = several.search(["a lobster"], 2, fold=True, diverse=0.5)[0]
        assert first.title == fused[0].title != second.title
        assert several.image(fused[-1].sha256).size == each[0].image(fused[-1].sha256).size
        several.close()

    def test_a_model_that_has_embedded_nothing_is_refused(self, two_models: tuple[Path, list[str]]) -> None:
        home, names = two_models
        several = ModelEnsemble([UserPictures(home, clip_model(names[0])), UserPictures(home, embedded_clip())])
        with pytest.raises(UserError, match=r"next: imagerag index add .* which embeds"):
            several.search(["an owl"], 1)

    def test_a_run_looks_up_with_them(self, two_models: tuple[Path, list[str]]) -> None:
        home, names = two_models
        index = open_index(home, models=tuple(names))
        hits = index.search(["a kimono"], 6)[0]
        assert {hit.set for hit in hits} > {"own"}  # own pictures and the library's in turn
        assert hits[0].set == "own"
        assert open_index(home, models=(names[0],), floor=2.0).search(["a kimono"], 6) == [[]]

    def test_the_command_line_fuses(self, two_models: tuple[Path, list[str]]) -> None:
        home, names = two_models
        command = ["search", "lobster", "-k", "2", "--model", ",".join(names), "--json", "--home", str(home)]
        done = subprocess.run([sys.executable, "-m", "imagerag", *command], capture_output=True, text=True, check=True)
        assert len(json.loads(done.stdout)) == 2

    def test_no_model_is_refused(self) -> None:
        with pytest.raises(UserError, match="lookup_model ',' names no model"):
            Settings(lookup_model=",")
