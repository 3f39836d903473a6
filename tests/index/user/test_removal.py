"""Taking pictures out of a library: they are found no more, and everything else is as before."""

from pathlib import Path

import pytest

from imagerag.cli.main import run
from imagerag.errors import UserError
from imagerag.index.user.maintenance import user_index_status, verify_user_index
from imagerag.index.user.removal import remove_pictures
from imagerag.index.user.store import UserPictures
from testing.user_pictures import save_picture, titles


@pytest.fixture
def filled(own: UserPictures, tmp_path: Path) -> UserPictures:
    """A library of two folders, one within the other's parent, and a file of its own."""
    save_picture(tmp_path / "p", "owl.png", "owl")
    save_picture(tmp_path / "p" / "sub", "cat.png", "cat")
    save_picture(tmp_path / "p2", "lobster.png", "lobster")
    own.add([tmp_path / "p", tmp_path / "p2"])
    return own


@pytest.mark.slow
def test_a_folder_within_is_removed_and_its_files_stay(filled: UserPictures, tmp_path: Path) -> None:
    home = tmp_path / "home"
    filled.close()
    assert remove_pictures(home, [str(tmp_path / "p" / "sub")]) == {str(tmp_path / "p" / "sub"): 1}
    assert titles(filled) == {"owl", "lobster"}
    assert (tmp_path / "p" / "sub" / "cat.png").is_file()
    assert verify_user_index(home, filled.embedder.model_id)["problems"] == []
    filled.close()
    assert remove_pictures(home, [str(tmp_path / "p")]) == {str(tmp_path / "p"): 1}
    assert titles(filled) == {"lobster"}, "a folder whose name begins alike is another one"
    assert filled.add([tmp_path / "p"]).added == 2, "what was removed can be added again"


def test_all_of_a_library(filled: UserPictures, tmp_path: Path) -> None:
    filled.close()
    assert sum(remove_pictures(tmp_path / "home", None).values()) == 3
    assert user_index_status(tmp_path / "home")["images"] == 0
    assert titles(filled) == set()


def test_what_is_not_there_is_told_and_nothing_removed(filled: UserPictures, tmp_path: Path) -> None:
    filled.close()
    with pytest.raises(UserError, match=r"nothing of 'nix' is in library 'own'; added there: '.*p', '.*p2'"):
        remove_pictures(tmp_path / "home", [str(tmp_path / "p"), "nix"])
    assert titles(filled) == {"owl", "cat", "lobster"}
    with pytest.raises(UserError, match="library 'birds' has no pictures"):
        remove_pictures(tmp_path / "home", None, library="birds")


@pytest.mark.slow
def test_the_command(filled: UserPictures, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled.close()
    home = ["--home", str(tmp_path / "home")]
    assert run(["index", "remove", *home]) == 2
    assert "or --all for the whole library" in capsys.readouterr().err
    assert run(["index", "remove", str(tmp_path / "p2"), "--all", *home]) == 2
    capsys.readouterr()
    assert run(["index", "remove", str(tmp_path / "p2"), *home]) == 0
    assert f"removed 1 of {tmp_path / 'p2'}" in capsys.readouterr().out
