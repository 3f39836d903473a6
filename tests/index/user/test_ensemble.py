"""Several lookup models beside each other."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from imagerag.embedders.registry import clip_model, embedded_clip
from imagerag.errors import UserError
from imagerag.graphs.libraries import open_index
from imagerag.index.base import SearchOptions
from imagerag.index.user.ensemble import ModelEnsemble
from imagerag.index.user.maintenance import user_index_status, verify_user_index
from imagerag.index.user.store import UserPictures
from imagerag.settings import Settings
from testing.tiny_clip import save_checkpoint
from testing.user_pictures import save_picture


@pytest.mark.slow
def test_models_index_one_library_side_by_side(tmp_path: Path) -> None:
    for concept in ("owl", "lobster", "cat"):
        save_picture(tmp_path / "p", f"{concept}.png", concept)
    home = tmp_path / "home"
    folder = str(save_checkpoint(tmp_path / "tiny", 1))
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


@pytest.fixture
def two_models(tmp_path: Path) -> tuple[Path, list[str]]:
    """Return a data directory whose pictures two tiny models have embedded, and those models' names."""
    for concept in ("owl", "lobster", "cat", "kimono"):
        save_picture(tmp_path / "p", f"{concept}.png", concept)
    names = [str(save_checkpoint(tmp_path / f"tiny{seed}", seed)) for seed in (1, 2)]
    for name in names:
        own = UserPictures(tmp_path / "home", clip_model(name))
        own.add([tmp_path / "p"])
        own.close()
    return tmp_path / "home", names


class TestSeveral:
    @pytest.mark.slow
    def test_ranks_of_all_models_and_of_the_words_count(self, two_models: tuple[Path, list[str]]) -> None:
        home, names = two_models
        each = [UserPictures(home, clip_model(name)) for name in names]
        several = ModelEnsemble(each)
        fused = several.search(["a lobster"], 4)[0]
        score: dict[str, float] = {}
        for own in each:
            for rank, hit in enumerate(own.search(["a lobster"], 4, SearchOptions(fused=False))[0], 1):
                score[hit.title] = score.get(hit.title, 0) + 1 / (60 + rank)
        score["lobster"] += 1 / 61  # the only caption with that word
        assert [hit.title for hit in fused] == sorted(score, key=lambda title: -score[title])
        first, second = several.search(["a lobster"], 2, SearchOptions(fold=True, diverse=0.5))[0]
        assert first.title == fused[0].title != second.title
        assert several.image(fused[-1].sha256).size == each[0].image(fused[-1].sha256).size
        several.close()

    @pytest.mark.slow
    def test_a_model_that_has_embedded_nothing_is_refused(self, two_models: tuple[Path, list[str]]) -> None:
        home, names = two_models
        several = ModelEnsemble([UserPictures(home, clip_model(names[0])), UserPictures(home, embedded_clip())])
        with pytest.raises(UserError, match=r"next: imagerag index add .* which embeds"):
            several.search(["an owl"], 1)

    @pytest.mark.slow
    def test_a_run_looks_up_with_them(self, two_models: tuple[Path, list[str]]) -> None:
        home, names = two_models
        index = open_index(home, models=tuple(names))
        hits = index.search(["a kimono"], 6)[0]
        assert {hit.set for hit in hits} > {"own"}  # own pictures and the library's in turn
        assert hits[0].set == "own"
        assert open_index(home, models=(names[0],), floor=2.0).search(["a kimono"], 6) == [[]]

    @pytest.mark.slow
    def test_the_command_line_fuses(self, two_models: tuple[Path, list[str]]) -> None:
        home, names = two_models
        command = ["search", "lobster", "-k", "2", "--model", ",".join(names), "--json", "--home", str(home)]
        done = subprocess.run([sys.executable, "-m", "imagerag", *command], capture_output=True, text=True, check=True)
        assert len(json.loads(done.stdout)) == 2

    def test_no_model_is_refused(self) -> None:
        with pytest.raises(UserError, match="lookup_model ',' names no model"):
            Settings(lookup_model=",")
