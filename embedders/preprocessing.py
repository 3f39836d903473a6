"""What a CLIP model takes of an image, apart from the model: it can be done by other threads and on other machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from imagerag.store.png import on_white

if TYPE_CHECKING:
    import torch
    from PIL import Image


class Preprocessing:
    """open_clip's preprocessing in two halves: one image at a time by Pillow alone, then a whole batch by torch.

    torch, called by several threads, sets up a team of its own for each, and they keep the cores from the model
    (measured on two cores: a sixth of the speed). It can be pickled.

    Args:
        preprocess: what ``open_clip.create_model_and_transforms`` returns last: a PIL image to a (3, h, w) tensor.
        config: the image tower's ``preprocess_cfg``.
    """

    def __init__(self, preprocess: Any, config: Mapping[str, Any]) -> None:
        self._preprocess = preprocess
        # "squash" is a plain resize of the whole image: done here for a whole batch, without a tensor per image
        self._squash = dict(config) if config.get("resize_mode") == "squash" else None
        self._steps = _split_at_tensor(preprocess)

    def __call__(self, image: Image.Image) -> Any:
        """Return an RGB image of the model's size, or a (3, h, w) tensor where the preprocessing is of an unknown kind.

        Transparent parts count as white.
        """
        image = on_white(image)
        if self._squash:
            return image.resize(self._size, self._resampling)
        if self._steps is None:
            return self._preprocess(image)
        for step in self._steps[0]:
            image = step(image)
        return image

    def tensor(self, prepared: Sequence[Any]) -> torch.Tensor:
        """Return (n, 3, h, w) of what calls of this object made, n at least 1."""
        import torch

        if not self._squash and self._steps is None:
            return torch.stack(list(prepared))
        pixels = np.stack([np.asarray(image) for image in prepared])
        if self._squash:
            mean, std = (np.asarray(self._squash[key], np.float32) * 255 for key in ("mean", "std"))
            x = torch.from_numpy((pixels.astype(np.float32) - mean) / std).permute(0, 3, 1, 2)
            return x.contiguous(memory_format=torch.channels_last)
        assert self._steps is not None
        normalised: torch.Tensor = self._steps[1](
            torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous().float().div(255)
        )
        return normalised

    @property
    def _size(self) -> tuple[int, int]:
        size = (self._squash or {})["size"]
        height, width = size if isinstance(size, (tuple, list)) else (size,) * 2
        return width, height

    @property
    def _resampling(self) -> Any:
        from PIL import Image as pil

        return pil.Resampling[str((self._squash or {})["interpolation"]).upper()]


def _split_at_tensor(preprocess: Any) -> tuple[list[Any], Any] | None:
    """Take the preprocessing apart: the steps on images, and the normalisation of what ``ToTensor`` makes.

    Returns:
        ``None`` where it is put together otherwise.
    """
    steps = list(getattr(preprocess, "transforms", []))
    kinds = [type(step).__name__ for step in steps]
    if kinds[-2:] not in (["ToTensor", "Normalize"], ["MaybeToTensor", "Normalize"]) or "ToTensor" in kinds[:-2]:
        return None
    return steps[:-2], steps[-1]
