"""A generator that fills the picture with one colour: ``--generator one-colour`` or ``--generator one-colour:navy``."""

import hashlib

from PIL import Image, ImageColor

from imagerag.device_settings import DeviceSettings
from imagerag.errors import UserError
from imagerag.generators.base import (
    UNCONTROLLED,
    DrawControl,
    Drawing,
    DrawRequest,
    Generator,
    GeneratorPlugin,
    check_request,
)

SIZE = (256, 256)


class OneColour:
    """Draws the named colour, or one that follows from the prompt and the seed.

    Args:
        colour: any name or ``#rrggbb`` that Pillow knows; empty for one of the prompt's own.
    """

    revision = "1"
    max_references = 0

    def __init__(self, colour: str) -> None:
        self.name = f"one-colour:{colour}" if colour else "one-colour"
        try:
            self._colour = ImageColor.getrgb(colour) if colour else None
        except ValueError as error:
            raise UserError(f"colour {colour!r} is not known; give --generator one-colour:navy, or #rrggbb") from error

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        """Draw one image per seed."""
        check_request(request, self)
        drawings = []
        for done, seed in enumerate(request.seeds, start=1):
            control.check()  # raises if the run is cancelled or out of time
            colour = self._colour or tuple(hashlib.sha256(f"{seed} {request.prompt}".encode()).digest()[:3])
            drawings.append(Drawing(Image.new("RGB", SIZE, colour), seed, {"colour": list(colour)}))
            control.step(done, len(request.seeds))
        return drawings


def _load(colour: str, settings: DeviceSettings) -> Generator:
    return OneColour(colour)


PLUGIN = GeneratorPlugin(load=_load, makes="any", profile="pictograms")
