"""Near-duplicates are marked and folded."""

from pathlib import Path

from imagerag.index.user import UserPictures
from testing.user_pictures import save_picture


def test_near_duplicates_are_flagged_and_folded(own: UserPictures, tmp_path: Path) -> None:
    save_picture(tmp_path / "p", "owl.png", "owl")
    save_picture(tmp_path / "p", "owl smaller.jpg", "owl")
    save_picture(tmp_path / "p", "cat.png", "cat")
    outcome = own.add([tmp_path / "p"])
    (pair,) = outcome.duplicates
    assert {Path(pair["path"]).name, Path(pair["like"]).name} == {"owl.png", "owl smaller.jpg"}
    assert len(own.search(["an owl"], 3)[0]) == 3
    folded = own.search(["an owl"], 3, fold=True)[0]
    assert len(folded) == 2
    assert sum(hit.title.startswith("owl") for hit in folded) == 1
