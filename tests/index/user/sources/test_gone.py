"""Sources that are gone can be removed."""

from pathlib import Path

from imagerag.embedders.registry import embedded_clip
from imagerag.index.user import UserPictures
from testing.user_pictures import save_picture, titles


def test_a_folder_that_is_gone_can_be_removed(tmp_path: Path) -> None:
    own = UserPictures(tmp_path / "home", embedded_clip())
    file = save_picture(tmp_path / "d", "owl.png", "owl")
    own.add([tmp_path / "d"])
    file.unlink()
    (tmp_path / "d").rmdir()
    assert own.add([tmp_path / "d"]).removed == 1
    assert titles(own) == set()
