"""What the process keeps of the libraries that it has opened."""

import gc
import weakref
from pathlib import Path

import pytest

from imagerag.device_settings import DeviceSettings
from imagerag.graphs.components import Components
from imagerag.graphs.libraries import open_user_pictures
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
