"""Searching a person's own pictures, in the order of the subject's likeness too."""

from pathlib import Path

from PIL import Image

from imagerag.index.base import SearchOptions
from imagerag.index.user.store import UserPictures
from testing.user_pictures import save_picture


def test_what_looks_like_the_subject_comes_first(own: UserPictures, tmp_path: Path) -> None:
    save_picture(tmp_path / "p", "one.png", "owl", 0)
    subject = save_picture(tmp_path / "p", "two.png", "owl", 1)
    save_picture(tmp_path / "p", "cat.png", "cat", 0)
    own.add([tmp_path / "p"])
    with Image.open(subject) as picture:
        first = own.search(["an owl"], 3, SearchOptions(like=picture))[0][0]
        assert first.title == "two"
