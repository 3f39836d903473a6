"""Rebuilding the vectors, and merging small shards."""

from pathlib import Path

import numpy as np

from imagerag.embedders.registry import embedded_clip
from imagerag.index.user.maintenance import rebuild_user_index, verify_user_index
from imagerag.index.user.shards import Shards
from imagerag.index.user.store import UserPictures
from testing.user_pictures import save_picture


def test_what_chroma_has_lost_is_noticed_and_made_again_without_a_model(own: UserPictures, tmp_path: Path) -> None:
    for concept in ("owl", "lobster", "cat"):
        save_picture(tmp_path / "p", f"{concept}.png", concept)
    own.add([tmp_path / "p"])
    home, model = tmp_path / "home", own.embedder.model_id
    assert verify_user_index(home, model)["problems"] == []
    assert verify_user_index(home, model)["recall"] == 1
    own._collections.pictures.delete(ids=own._collections.pictures.get(limit=1, include=[])["ids"])
    own.close()
    assert verify_user_index(home, model)["problems"]
    rebuild_user_index(home)
    assert verify_user_index(home, model)["problems"] == []
    assert {hit.title for hit in own.search(["anything"], 9)[0]} == {"owl", "lobster", "cat"}


def test_many_small_shards_become_one_and_readers_keep_what_they_read(own: UserPictures, tmp_path: Path) -> None:
    reader = UserPictures(tmp_path / "home", embedded_clip())
    for number, concept in enumerate(("owl", "lobster", "cat", "penguin")):
        save_picture(tmp_path / "p", f"{number}.png", concept)
        own.add([tmp_path / "p"])
    shards = Shards(own.directory / "shards")
    before = reader.snapshot()
    assert len(shards.live()) == 4
    from imagerag.index.user.snapshot import merge

    merge(shards, shards.models())
    assert len(shards.live()) == 1
    assert before.vectors(range(4)).shape == (4, own.embedder.dimension)  # what was read is still there
    after = reader.snapshot()
    assert after.by_key == before.by_key
    assert np.array_equal(after.vectors(range(4)), before.vectors(range(4)))
    assert len(reader.search(["an owl"], 9)[0]) == 4
