"""How far apart two images are, by name: embeddings of DINO or CLIP, LPIPS, DreamSim.

Distances of embeddings are 1 minus their cosine, 0..2; LPIPS (Zhang et al. 2018, arXiv 1801.03924) and DreamSim (Fu et
al. 2023, arXiv 2306.09344) are distances of their own, 0 for the same image.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from imagerag.errors import UserError
from imagerag.evaluation.metrics.vision_model import DINO, VisionModel
from imagerag.model_hub import quiet_loading
from imagerag.store.png import on_white

if TYPE_CHECKING:
    from PIL import Image

LPIPS_SIDE = 256
"""Pixels of a side to which images are brought for LPIPS, which compares them place by place."""
NETS = ("alex", "vgg", "squeeze")
DREAMSIM = "ensemble"


class ImageDistance(Protocol):
    """Compares images, the many of them prepared once.

    Attributes:
        name: of the comparison with its model.
    """

    name: str

    def prepare(self, images: Sequence[Image.Image]) -> Any:
        """Return what is compared with, of images that are compared with often."""
        ...

    def distances(self, image: Image.Image, prepared: Any) -> NDArray[np.float64]:
        """Return (n,) distances, 0 for the same image."""
        ...


class OfEmbeddings:
    """1 minus the cosine of embeddings.

    Args:
        name: of the comparison.
        embed: returns (n, d) unit rows.
    """

    def __init__(self, name: str, embed: Callable[[Sequence[Image.Image]], NDArray[np.float32]]) -> None:
        self.name = name
        self._embed = embed

    def prepare(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """See ``ImageDistance``."""
        return self._embed(images)

    def distances(self, image: Image.Image, prepared: NDArray[np.float32]) -> NDArray[np.float64]:
        """See ``ImageDistance``."""
        distances: NDArray[np.float64] = 1.0 - (prepared @ self._embed([image])[0]).astype(np.float64)
        return distances


class OfPairs:
    """A network that takes two images.

    Args:
        name: of the comparison.
        tensor: makes what the network takes of an image.
        compare: returns the distance of two of those.
    """

    def __init__(self, name: str, tensor: Callable[[Image.Image], Any], compare: Callable[[Any, Any], float]) -> None:
        self.name = name
        self._tensor = tensor
        self._compare = compare

    def prepare(self, images: Sequence[Image.Image]) -> list[Any]:
        """See ``ImageDistance``."""
        return [self._tensor(image) for image in images]

    def distances(self, image: Image.Image, prepared: list[Any]) -> NDArray[np.float64]:
        """See ``ImageDistance``."""
        shown = self._tensor(image)
        return np.array([self._compare(shown, other) for other in prepared], np.float64)


def _dino(model: str, device: str) -> ImageDistance:
    return OfEmbeddings("dino", VisionModel(model or DINO, device).embed)


def _clip(model: str, device: str) -> ImageDistance:
    from imagerag.embedders.clip import full_name, load_embedder
    from imagerag.evaluation.metrics.registry import CLIP

    return OfEmbeddings("clip", load_embedder(full_name(model or CLIP), device).embed_images)


def _lpips(model: str, device: str) -> ImageDistance:
    net = model or NETS[0]
    if net not in NETS:
        raise UserError(f"LPIPS has no network {net!r}; there are {', '.join(NETS)}")
    lpips = needed("lpips", "lpips", "lpips")
    import torch

    network = lpips.LPIPS(net=net, verbose=False).to(device).eval()

    def tensor(image: Image.Image) -> Any:
        pixels = np.asarray(on_white(image).resize((LPIPS_SIDE, LPIPS_SIDE)), np.float32) / 255
        return torch.from_numpy(pixels).permute(2, 0, 1)[None].to(device)

    def compare(one: Any, other: Any) -> float:
        with torch.inference_mode():
            return float(network(one, other, normalize=True))  # from 0..1 to the -1..1 that it was trained on

    return OfPairs("lpips", tensor, compare)


def _dreamsim(model: str, device: str) -> ImageDistance:
    package = needed("dreamsim", "dreamsim", "dreamsim")
    import torch

    cache = Path.home() / ".cache" / "dreamsim"
    cache.mkdir(parents=True, exist_ok=True)
    with contextlib.redirect_stdout(sys.stderr), quiet_loading():
        network, preprocess = package.dreamsim(
            pretrained=True, device=device, cache_dir=str(cache), dreamsim_type=model or DREAMSIM
        )

    def compare(one: Any, other: Any) -> float:
        with torch.inference_mode():
            return float(network(one, other))

    return OfPairs("dreamsim", lambda image: preprocess(on_white(image)).to(device), compare)


class _Kind(NamedTuple):
    make: Callable[[str, str], ImageDistance]
    about: str


COMPARISONS = {
    "dino": _Kind(_dino, "class token of a vision transformer"),
    "clip": _Kind(_clip, "image embedding of a CLIP model"),
    "lpips": _Kind(_lpips, "LPIPS"),
    "dreamsim": _Kind(_dreamsim, "DreamSim"),
}


def load_distance(told: str, device: str) -> ImageDistance:
    """Return a comparison.

    Args:
        told: its name, and behind a colon its model, if not the usual one: ``dino:facebook/dinov2-base``.
        device: a torch device name.

    Raises:
        UserError: there is no such comparison, or its package or its model is missing.
    """
    name, _, model = told.partition(":")
    if name not in COMPARISONS:
        raise UserError(f"images can't be compared by {name!r}; there are {', '.join(COMPARISONS)}")
    return COMPARISONS[name].make(model, device)


def needed(module: str, package: str, metric: str) -> Any:
    """Return an optional package's module.

    Raises:
        UserError: it is not installed, or can't be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == module.partition(".")[0]:
            raise UserError(
                f"metric {metric!r} needs the package {package!r}, which is not installed; run: pip install {package}"
            ) from error
        raise UserError(f"metric {metric!r} can't import the package {package!r} ({error}); install it anew") from error
