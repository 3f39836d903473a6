"""A person's own pictures: found by look and by caption."""

from pathlib import Path

import pytest

from imagerag.errors import InvalidArgument, UserError
from imagerag.index.base import SearchOptions
from imagerag.index.user.sources.read_options import ReadOptions
from imagerag.index.user.store import UserPictures
from testing.user_pictures import save_picture


@pytest.mark.slow
def test_pictures_are_found_by_what_they_show_and_by_what_they_are_called(own: UserPictures, tmp_path: Path) -> None:
    save_picture(tmp_path / "pictures", "DSC_1.png", "owl")
    save_picture(tmp_path / "pictures" / "deep", "DSC_2.jpg", "lobster")
    (tmp_path / "pictures" / "deep" / "DSC_2.txt").write_text("Gerald from accounting\n", encoding="utf-8")
    outcome = own.add([tmp_path / "pictures"], reading=ReadOptions("CC0-1.0"))
    assert (outcome.added, outcome.unchanged, outcome.removed, outcome.skipped) == (2, 0, 0, [])
    owls, geralds = own.search(["an owl", "gerald from accounting"], 1)
    assert owls[0].title == "DSC 1"
    assert owls[0].licence == "CC0-1.0"
    assert Path(owls[0].path).is_file()
    assert geralds[0].title == "Gerald from accounting"
    assert geralds[0].similarity > 0.9
    assert own.search(["an owl"], 5, SearchOptions(exclude=[owls[0].sha256]))[0][0].title == "Gerald from accounting"


def test_a_found_picture_outlives_its_file_and_one_never_found_does_not(own: UserPictures, tmp_path: Path) -> None:
    kept = save_picture(tmp_path / "p", "kept.png", "owl")
    own.add([tmp_path / "p"])
    (hit,) = own.search(["an owl"], 1)[0]
    kept.unlink()
    assert own.image(hit.sha256).size == (128, 128)
    with pytest.raises(InvalidArgument):
        own.image("0" * 64)
    lost = save_picture(tmp_path / "q", "lost.png", "cat")
    own.add([tmp_path / "q"])
    lost.unlink()
    assert [hit.title for hit in own.search(["a cat"], 2)[0]] == ["kept"]


def test_another_models_pictures_are_refused_with_the_way_out(own: UserPictures, tmp_path: Path) -> None:
    save_picture(tmp_path / "p", "a.png", "owl")
    own.add([tmp_path / "p"])

    class Other:
        """The same model by another name."""

        model_id = "another"
        dimension = own.embedder.dimension
        embed_texts = own.embedder.embed_texts
        embed_images = own.embedder.embed_images

    other = UserPictures(own.directory.parent, Other())
    with pytest.raises(UserError, match="imagerag index add"):
        other.search(["an owl"], 1)
    assert other.add([tmp_path / "p"]).added == 1
    assert other.search(["an owl"], 1)[0][0].title == "a"
