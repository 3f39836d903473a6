"""Generators of installed packages."""

from importlib.metadata import EntryPoint
from typing import Any

import pytest
from PIL import Image

from imagerag import plugins
from imagerag.device_settings import DeviceSettings
from imagerag.errors import Cancelled, InvalidArgument, UserError
from imagerag.generators.base import UNCONTROLLED, DrawControl, Drawing, DrawRequest, GeneratorPlugin
from imagerag.generators.registry import check_generator, load_generator


class Plain:
    """Draws one colour, and fails when told to."""

    revision, max_references = "1", 0

    def __init__(self, colour: str) -> None:
        self.name = f"plain:{colour}"
        self.colour = colour or "red"

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        control.check()
        if self.colour == "broken":
            raise RuntimeError("boom")
        return [Drawing(Image.new("RGB", (8, 8), self.colour), seed) for seed in request.seeds]


def load(what: str, settings: DeviceSettings) -> Any:
    if what == "no-key":
        raise OSError("no key")
    return Plain(what)


PLUGIN = GeneratorPlugin(load, makes="pictograms", profile="pictograms")


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> Any:
    entry = EntryPoint("plain", "tests.generators.test_plugin:PLUGIN", "imagerag.generators")
    monkeypatch.setattr(plugins, "entry_points", lambda group: [entry] if group == entry.group else [])
    plugins._entry_points.cache_clear()
    load_generator.cache_clear()
    yield
    plugins._entry_points.cache_clear()
    load_generator.cache_clear()


def test_it_is_named_alone_or_with_what_follows_the_colon() -> None:
    check_generator("plain")
    generator = load_generator("plain:blue")
    assert (generator.name, generator.max_references) == ("plain:blue", 0)
    (drawing,) = generator.draw(DrawRequest("anything", (3,)))
    assert drawing.image.getpixel((0, 0)) == (0, 0, 255)


def test_what_it_raises_goes_back_to_the_model() -> None:
    with pytest.raises(InvalidArgument, match=r"'plain:broken' of the package .* failed \(RuntimeError: boom\)"):
        load_generator("plain:broken").draw(DrawRequest("anything", (3,)))


def test_a_cancel_passes_through() -> None:
    def stop() -> None:
        raise Cancelled("the run was cancelled")

    with pytest.raises(Cancelled):
        load_generator("plain:blue").draw(DrawRequest("anything", (3,)), DrawControl(stop))


def test_one_that_can_not_be_loaded_is_one_line() -> None:
    with pytest.raises(UserError, match=r"'plain' of the package .* failed \(OSError: no key\)"):
        load_generator("plain:no-key")


def test_an_unknown_name_lists_it() -> None:
    with pytest.raises(UserError, match=r"generator 'plane' is not known; .*plain$"):
        check_generator("plane")
