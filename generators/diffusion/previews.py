"""What a drawing will be, from its latents, by a linear map that the VAE itself teaches."""

from __future__ import annotations

from typing import Any

import torch
from PIL import Image

from imagerag.errors import first_line

PATCH = 8
"""Latent pixels on the side of one patch of plain colour."""


class Previews:
    """Rough images from the latents of one pipeline.

    Latents of a VAE hold a picture's colours almost linearly. The map is found by least squares from patches of plain
    colour, encoded once. Nothing is shown of pipelines whose latents have another shape.
    """

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._map: torch.Tensor | None = None
        self._failed = False
        self._untold: str | None = None

    def show(self, latents: torch.Tensor | None, height: int, width: int) -> Image.Image | None:
        """Return a small RGB image; ``None`` where latents are laid out in a way not known here, or it can't be made.

        Args:
            latents: (1, channels, h, w), or packed as FLUX.1 does: (1, h w / 4, 4 channels); ``None`` if the pipeline
                hands out none.
            height, width: of the picture, in pixels.
        """
        if latents is None or self._failed:
            return None
        try:
            return self._shown(latents, height, width)
        except Exception as error:
            # Each pipeline and VAE of diffusers has its own layout, and memory may run out: no preview is worth the
            # drawing that it is of.
            self._failed = True
            self._untold = f"previews can't be shown ({first_line(error)}); the picture is drawn without"
            return None

    def failure(self) -> str | None:
        """Return why none are shown any longer, if that was not told yet."""
        untold, self._untold = self._untold, None
        return untold

    def _shown(self, latents: torch.Tensor, height: int, width: int) -> Image.Image | None:
        grid = self._grid(latents, height, width)
        if grid is None:
            return None
        if self._map is None:
            self._map = self._fit(grid.shape[0])
        if self._map is None:
            return None
        flat = grid.float().cpu().flatten(1).T
        colours = torch.cat([flat, torch.ones(len(flat), 1)], dim=1) @ self._map
        pixels = (colours.clamp(0, 1) * 255).round().to(torch.uint8).view(*grid.shape[1:], 3)
        return Image.fromarray(pixels.numpy(), "RGB")

    def _grid(self, latents: torch.Tensor, height: int, width: int) -> torch.Tensor | None:
        """Return (channels, h, w), scaled as the VAE's encoder gives them."""
        pipeline = self._pipeline
        if latents.ndim == 3 and hasattr(pipeline, "_unpack_latents"):
            latents = pipeline._unpack_latents(latents, height, width, pipeline.vae_scale_factor)
        if latents.ndim == 5 and latents.shape[2] == 1:
            latents = latents[:, :, 0]
        return latents[0] if latents.ndim == 4 else None

    def _fit(self, channels: int) -> torch.Tensor | None:
        """Return (channels + 1, 3): latents, and one, to RGB in 0..1."""
        vae: Any = getattr(self._pipeline, "vae", None)
        if vae is None or getattr(vae.config, "latent_channels", None) != channels:
            return None
        steps = torch.tensor([0.0, 0.5, 1.0])
        colours = torch.cartesian_prod(steps, steps, steps)
        scale = int(self._pipeline.vae_scale_factor)
        side = PATCH * scale
        sheet = colours.T.view(1, 3, 1, 27, 1).expand(1, 3, side, 27, side).reshape(1, 3, side, 27 * side)
        # Weights that go through the device layer by layer are nowhere in between.
        device = self._pipeline._execution_device if vae.device.type == "meta" else vae.device
        with torch.no_grad():
            encoded = vae.encode((sheet * 2 - 1).to(device, vae.dtype)).latent_dist.mean[0].float().cpu()
        encoded = (encoded - (getattr(vae.config, "shift_factor", None) or 0)) * vae.config.scaling_factor
        if not encoded.isfinite().all():  # SDXL's VAE in half precision
            return None
        columns = encoded.shape[2] // 27
        means = encoded.view(channels, encoded.shape[1], 27, columns).mean(dim=(1, 3)).T
        solution: torch.Tensor = torch.linalg.lstsq(torch.cat([means, torch.ones(27, 1)], dim=1), colours).solution
        return solution
