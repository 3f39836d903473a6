"""What the process keeps of the libraries that it has opened."""

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import pytest

from imagerag.device_settings import DeviceSettings
from imagerag.graphs.components import Components
from imagerag.graphs.libraries import open_user_pictures, searchable_libraries
from imagerag.settings import Settings
from testing.user_pictures import save_picture


@pytest.mark.slow
def test_of_pictures_that_have_changed_nothing_is_kept_of_what_they_were(tmp_path: Path) -> None:
    home = tmp_path / "home"
    own = open_user_pictures(home, None, "embedded", "own", DeviceSettings())
    save_picture(tmp_path / "p", "owl.png", "owl")
    own.add([tmp_path / "p"])
    settings = Settings(home=str(home))
    critic = Components(settings).critic
    assert Components(settings).critic is critic, "made once for as long as they stay as they are"
    before = weakref.ref(own.snapshot())
    save_picture(tmp_path / "p", "cat.png", "cat")
    own.add([tmp_path / "p"])
    assert Components(settings).critic is not critic
    gc.collect()
    assert before() is None


class TestPictograms:
    """A library of one's own that somebody said to show pictograms."""

    @pytest.fixture
    def home(self, tmp_path: Path) -> Path:
        home = tmp_path / "home"
        own = open_user_pictures(home, None, "embedded", "own", DeviceSettings())
        save_picture(tmp_path / "p", "owl.png", "owl")
        own.add([tmp_path / "p"])
        own.calibration_file.write(replace(own.calibration, shows="pictograms"))
        return home

    @pytest.mark.slow
    def test_they_are_put_into_photographs_only_where_somebody_asks_for_it(self, home: Path) -> None:
        silent, told = searchable_libraries(home, ("own",), ("embedded",), named=False, makes="photographs")
        assert silent == ()
        assert any("it is not searched: ask for it with --library own" in note for note in told)
        asked, told = searchable_libraries(home, ("own",), ("embedded",), named=True, makes="photographs")
        assert asked == ("own",)
        assert any("since you ask for it" in note for note in told)
        assert searchable_libraries(home, ("own",), ("embedded",), named=False, makes="pictograms") == (("own",), [])


def test_an_empty_library_is_told_unless_something_else_tells_it(tmp_path: Path) -> None:
    usable, (note,) = searchable_libraries(tmp_path, ("own",), ["embedded"], False)
    assert (usable, "which is empty" in note) == ((), True)
    assert searchable_libraries(tmp_path, ("own",), ["embedded"], False, tell_empty=False) == ((), [])
    assert searchable_libraries(tmp_path, ("own",), ["embedded"], True, tell_empty=False)[1] == [note], "asked for"
