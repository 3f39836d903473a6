"""Sources that are gone can be removed."""

import os
from pathlib import Path

from imagerag.embedders.registry import embedded_clip
from imagerag.index.user.sources.gone import GoneSource
from imagerag.index.user.store import UserPictures
from testing.user_pictures import save_picture, titles


def test_a_folder_that_is_gone_can_be_removed(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    file = save_picture(tmp_path / "d", "owl.png", "owl")
    own.add([tmp_path / "d"])
    file.unlink()
    (tmp_path / "d").rmdir()
    assert own.add([tmp_path / "d"]).removed == 1
    assert titles(own) == set()


def test_a_source_that_is_gone_owns_what_was_below_it_and_has_nothing(tmp_path: Path) -> None:
    source = GoneSource(tmp_path / "p")
    assert source.count() == 0
    assert source.owns(str(tmp_path / "p"))
    assert source.owns(os.path.join(tmp_path, "p", "a.png"))
    assert not source.owns(str(tmp_path / "pictures"))
