"""Real photographs that come with packages of the extra ``dev``, and a generator that returns right or wrong ones."""

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from imagerag.generators.base import UNCONTROLLED, DrawControl, Drawing, DrawRequest, ImageKind, check_request

SIDE = 256
"""Pixels of a photograph's longer side as the generator returns it: enough for any CLIP, and quick to store."""


class Photograph(NamedTuple):
    """One photograph.

    Attributes:
        subject: what it shows, as a prompt names it.
        package: that has it.
        file: in the package.
        licence: and who says so.
    """

    subject: str
    package: str
    file: str
    licence: str

    def open(self) -> Image.Image:
        """Return it in RGB, its longer side ``SIDE`` pixels."""
        spec = find_spec(self.package)
        assert spec is not None, f"pip install 'imagerag[dev]' brings {self.package}"
        assert spec.origin is not None
        with Image.open(Path(spec.origin).parent / self.file) as opened:
            picture = opened.convert("RGB")
        picture.thumbnail((SIDE, SIDE))
        return picture


PHOTOGRAPHS = (
    Photograph("astronaut", "skimage", "data/astronaut.png", "public domain (NASA), by skimage.data.astronaut"),
    Photograph("cat", "skimage", "data/chelsea.png", "CC0-1.0 (Stefan van der Walt), by skimage.data.chelsea"),
    Photograph("rocket", "skimage", "data/rocket.jpg", "CC0-1.0 (SpaceX), by skimage.data.rocket"),
    Photograph("coffee", "skimage", "data/coffee.png", "CC0-1.0 (Rachel Michetti), by skimage.data.coffee"),
    Photograph("motorcycle", "skimage", "data/motorcycle_left.png", "CC0-1.0, by skimage.data.stereo_motorcycle"),
    Photograph("cameraman", "skimage", "data/camera.png", "CC0-1.0 (Lav Varshney), by skimage.data.camera"),
    Photograph("coin", "skimage", "data/coins.png", "no known restrictions (Brooklyn Museum), by skimage.data.coins"),
    Photograph("brick", "skimage", "data/brick.png", "CC0-1.0 (CC0 Textures), by skimage.data.brick"),
    Photograph("galaxy", "skimage", "data/hubble_deep_field.jpg", "public domain (NASA), by skimage.data"),
    Photograph("retina", "skimage", "data/retina.jpg", "CC0-1.0 (Mikael Haggstrom), by skimage.data.retina"),
    Photograph("temple", "sklearn", "datasets/images/china.jpg", "CC-BY-2.0 (danielbuechele), its README.txt"),
    Photograph("flower", "sklearn", "datasets/images/flower.jpg", "CC-BY-2.0 (vultilion), its README.txt"),
)
"""Twelve subjects that no two photographs share."""


def photograph_of(prompt: str) -> int:
    """Return the place of the photograph whose subject a prompt names."""
    words = prompt.lower().replace(",", " ").split()
    return next(at for at, one in enumerate(PHOTOGRAPHS) if {one.subject, f"{one.subject}s"} & set(words))


@dataclass
class Photographer:
    """A generator whose images are real photographs: of what the prompt names, or on purpose of something else.

    Attributes:
        right: whether they show what the prompt names.
        requests: what was drawn.
    """

    right: bool = True
    requests: list[DrawRequest] = field(default_factory=list)
    name: str = "photographer"
    revision: str = "1"
    max_references: int = 4
    makes: ImageKind = "photographs"
    profile: str = "local"

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        """See ``Generator.draw``; another cut for each seed."""
        check_request(request, self)
        control.check()
        self.requests.append(request)
        at = photograph_of(request.prompt)
        if not self.right:
            at = (at + 1 + len(self.requests)) % len(PHOTOGRAPHS)
            at += at == photograph_of(request.prompt)
        picture = PHOTOGRAPHS[at % len(PHOTOGRAPHS)].open()
        return [Drawing(_cut(picture, seed), seed) for seed in request.seeds]


def _cut(picture: Image.Image, seed: int) -> Image.Image:
    """Return most of a picture, a little different for each seed."""
    left, top = seed % 5, seed // 5 % 5
    return picture.crop((left, top, picture.width - 5 + left, picture.height - 5 + top))
