"""DINO and its successors, as transformers has them: one vector for an image, and one for each patch of it.

The vector of an image is that of the class token after the last layer, as in DreamBooth's DINO score (Ruiz et al. 2023,
arXiv 2208.12242, section 4.1), which is what ImageRAG compares real and drawn pictures by.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imagerag.errors import UserError, first_line
from imagerag.hub_offline import offline_where_unreachable
from imagerag.model_hub import http_error, not_fetched, quiet_loading
from imagerag.store.png import on_white

if TYPE_CHECKING:
    from PIL import Image

DINO = "facebook/dino-vits16"
"""DINO ViT-S/16 (Caron et al. 2021, arXiv 2104.14294), as in DreamBooth."""
BATCH = 16


class VisionModel:
    """A vision transformer with a class token in front of its patches.

    Args:
        model: a repository of transformers, or a folder.
        device: a torch device name.

    Raises:
        UserError: it can't be loaded, or is of another kind.
    """

    def __init__(self, model: str = DINO, device: str = "cpu") -> None:
        self._processor, loaded = _load(model)
        self._model: Any = loaded.to(device).eval()
        self._device = device
        config = self._model.config
        size = getattr(config, "patch_size", None)
        if not isinstance(size, int):
            raise UserError(f"model {model!r} is no vision transformer of patches; give one such as {DINO!r}")
        self._patch = size
        # DINOv2 with registers and DINOv3 have tokens between the class and the patches.
        self._leading = 1 + int(getattr(config, "num_register_tokens", 0) or 0)

    def embed(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Return (n, d) unit rows, one an image; transparent parts count as white."""
        rows = [self._tokens(images[at : at + BATCH])[0][:, 0] for at in range(0, len(images), BATCH)]
        return _unit(np.concatenate(rows)) if rows else np.empty((0, 0), np.float32)

    def patches(self, image: Image.Image) -> tuple[NDArray[np.float32], tuple[int, int]]:
        """Return (h * w, d) unit rows, one a patch, row by row, and (h, w)."""
        tokens, (height, width) = self._tokens([image])
        grid = height // self._patch, width // self._patch
        return _unit(tokens[0, self._leading : self._leading + grid[0] * grid[1]]), grid

    def _tokens(self, images: Sequence[Image.Image]) -> tuple[NDArray[np.float32], tuple[int, int]]:
        """Return (n, tokens, d) after the last layer, and the height and width in pixels that were looked at."""
        import torch

        shown = self._processor(images=[on_white(image) for image in images], return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            tokens = self._model(pixel_values=shown.to(self._device)).last_hidden_state
        return tokens.float().cpu().numpy(), (int(shown.shape[-2]), int(shown.shape[-1]))


def _load(model: str) -> tuple[Any, Any]:
    import transformers

    automatic: Any = transformers
    with offline_where_unreachable([model]):
        try:
            with quiet_loading():
                processor = automatic.AutoImageProcessor.from_pretrained(model)
                return processor, automatic.AutoModel.from_pretrained(model)
        except (OSError, ValueError, KeyError, ImportError, http_error()) as error:
            if Path(model).exists() or isinstance(error, ImportError):
                raise UserError(f"model {model!r} can't be loaded ({first_line(error)}); check the folder") from error
            raise not_fetched(model, error) from error


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    of_one: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
    return of_one
