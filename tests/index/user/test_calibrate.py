"""Calibrating on the own pictures: with captions, without, and again once there are twice as many."""

from dataclasses import replace
from pathlib import Path

import pytest

from imagerag.assets.library import Library
from imagerag.embedders.calibration import Calibration, Presence
from imagerag.embedders.registry import clip_model
from imagerag.errors import UserError
from imagerag.graphs.components import Components
from imagerag.graphs.libraries import open_index
from imagerag.index.base import SearchOptions
from imagerag.index.user.calibrate import calibrate, calibrate_if_outdated
from imagerag.index.user.store import UserPictures
from imagerag.settings import Settings
from testing.tiny_clip import save_checkpoint
from testing.user_pictures import save_picture

CONCEPTS = [concept.name for concept in Library().concepts if concept.category == "animals and nature"][:60]
CALIBRATED = SearchOptions(floor="calibrated")


@pytest.fixture
def captioned(own: UserPictures, tmp_path: Path) -> UserPictures:
    for concept in CONCEPTS:
        save_picture(tmp_path / "p", f"{concept}.png", concept)
    own.add([tmp_path / "p"])
    return own


@pytest.mark.slow
class TestCaptioned:
    def test_presence_becomes_a_probability_that_is_checked_on_other_pictures(self, captioned: UserPictures) -> None:
        told: list[tuple[int, int]] = []
        record = calibrate(captioned, lambda done, total: told.append((done, total)))
        assert told[-1] == (60, 60)
        assert record.calibrated
        assert (record.kind, record.captioned, record.pictures) == ("captions", 60, 60)
        assert record.reliability is not None
        assert record.reliability.pictures == 20
        assert record.reliability.error < 0.25
        assert captioned.calibration == record

    def test_pictures_of_another_kind_calibrate_no_critic(self, captioned: UserPictures, tmp_path: Path) -> None:
        calibrate(captioned)
        library = Library()
        owl = library.image(library.by_concept["owl"][1])
        settings = Settings(home=str(tmp_path / "home"), critic="clip:embedded")
        assert Components(settings).critic.judge([owl], "an owl")[0]["uncalibrated"], "they pass for photographs"
        assert calibrate(captioned, shows="pictograms").shows == "pictograms"
        assert "uncalibrated" not in Components(settings).critic.judge([owl], "an owl")[0]
        assert calibrate(captioned).shows == "pictograms", "said once"

    def test_the_critic_of_that_model_judges_by_it(self, captioned: UserPictures, tmp_path: Path) -> None:
        calibrate(captioned, shows="pictograms")
        critic = Components(Settings(home=str(tmp_path / "home"), critic="clip:embedded")).critic
        library = Library()
        owl = library.image(library.by_concept["owl"][1])
        there, absent = (critic.judge([owl], prompt)[0] for prompt in ("an owl", "a wheat field"))
        assert "uncalibrated" not in there
        assert there["score"] > absent["score"]
        assert there["critic"] == "clip:embedded"

    def test_what_the_library_lacks_is_not_found_above_the_floor(self, captioned: UserPictures, tmp_path: Path) -> None:
        record = calibrate(captioned)
        assert record.floor is not None
        assert record.floor.kept > 0.9
        home = tmp_path / "home"
        (lacking, had) = open_index(home, libraries=("own",)).search(["income tax return", CONCEPTS[0]], 3)
        assert lacking == []
        assert had[0].title == CONCEPTS[0]
        assert len(captioned.search(["income tax return"], 3, SearchOptions(floor=-1))[0]) == 3

    def test_it_is_done_again_once_there_are_twice_as_many(self, captioned: UserPictures, tmp_path: Path) -> None:
        assert calibrate_if_outdated(captioned) is not None
        assert calibrate_if_outdated(captioned) is None
        for concept in CONCEPTS:
            save_picture(tmp_path / "q", f"{concept} again.png", concept, 1)
        captioned.add([tmp_path / "q"])
        again = calibrate_if_outdated(captioned)
        assert again is not None
        assert again.pictures > 110


@pytest.mark.slow
def test_without_captions_the_score_is_no_probability(own: UserPictures, tmp_path: Path) -> None:
    for number, concept in enumerate(("owl", "lobster", "cat")):
        save_picture(tmp_path / "p", f"{number:04d}.png", concept)
    own.add([tmp_path / "p"])
    record = calibrate(own)
    assert (record.kind, record.calibrated, record.reliability) == ("names", False, None)
    assert len(record.presence.absent) == 101
    assert record.floor is not None
    assert calibrate_if_outdated(own) is None


@pytest.mark.slow
def test_what_the_pictures_are_is_kept_with_a_fit_that_stays(own: UserPictures, tmp_path: Path) -> None:
    save_picture(tmp_path / "p", "owl.png", "owl")
    own.add([tmp_path / "p"])
    before = Calibration(own.embedder.model_id, "names", 0, 1, Presence(65.0, 0.75, absent=(0.0, 1.0)))
    own.calibration_file.write(before)
    assert calibrate_if_outdated(own, shows="photographs") is None
    assert calibrate_if_outdated(own, shows="pictograms") == replace(before, shows="pictograms")
    assert own.calibration_file.read() == replace(before, shows="pictograms")
    assert calibrate_if_outdated(own) is None


@pytest.mark.slow
def test_words_of_the_caption_count_as_found_whatever_the_picture_looks_like(own: UserPictures, tmp_path: Path) -> None:
    save_picture(tmp_path / "p", "grandmother Ilse.png", "lobster")
    own.add([tmp_path / "p"])
    calibrate(own)
    assert [hit.title for hit in own.search(["Ilse"], 3, CALIBRATED)[0]] == ["grandmother Ilse"]
    assert own.search(["a fire engine"], 3, CALIBRATED) == [[]]


def test_without_pictures_the_way_out_is_told(own: UserPictures) -> None:
    with pytest.raises(UserError, match=r"no own pictures of 'embedded-clip@.*; next: imagerag index add FOLDER"):
        calibrate(own)
    assert calibrate_if_outdated(own) is None


def test_pictures_of_another_model_are_told(own: UserPictures, tmp_path: Path) -> None:
    save_picture(tmp_path / "p", "fox.png", "fox")
    own.add([tmp_path / "p"])
    other = UserPictures(own.directory.parent, clip_model(str(save_checkpoint(tmp_path / "other", 1))))
    assert other.directory == own.directory
    with pytest.raises(
        UserError, match=r"'open_clip:other@.*, but of embedded-clip@.*; next: .* calibrate --lookup-model NAME"
    ):
        calibrate(other)
    other.close()
