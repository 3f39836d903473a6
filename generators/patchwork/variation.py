"""What a seed changes besides the noise: pose, shape, tint, and which example is preferred where.

The base set holds two or three drawings of a concept. The posterior alone would, with so few, return one of them
nearly unchanged; so each seed sees them bent, turned and tinted a little, and prefers different ones in different
parts of the picture.
"""

import hashlib
import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from imagerag.generators.patchwork.recolour import share_palette

TURN = math.radians(6)
STRETCH = 0.06
MOVE = 0.03
BEND = 0.06
PALETTE = 0.85
"""How far an example takes the colours of the one that leads in colour."""
HUE = math.radians(10)
DECISIVE = 6.0
"""How many times the preferred example's lead counts: few pixels are undecided."""


def vary(examples: Tensor, log_prior: Tensor, keys: Sequence[int], seed: int, *, tint: bool) -> tuple[Tensor, Tensor]:
    """Vary a data set for one seed.

    Every example draws its own variation from the seed and its key alone, so that adding one (a reference) or taking
    one out leaves the others as they were.

    Args:
        examples: (K, 4, H, W) premultiplied RGBA in 0..1.
        log_prior: (K,) natural logarithms.
        keys: one integer per example, the same whenever the example is.
        seed: 0 <= seed < 2**63.
        tint: shift hue and saturation a little; not wanted where the prompt names a colour.

    Returns:
        The varied examples (K, 4, H, W) in 0..1, and the log prior (K, H, W) with the regional preferences.
    """
    count, _, height, width = examples.shape
    size = (height, width)
    shared = generator_for(seed, 1)
    own = [generator_for(seed, key) for key in keys]
    if tint:
        # The colours may come from another example than most of the shapes: a choice of its own (Gumbel's trick).
        luck = torch.cat([torch.rand(1, generator=generator) for generator in own]).clamp(1e-6, 1 - 1e-6)
        leader = int((log_prior - (-luck.log()).log()).argmax())
        examples = torch.from_numpy(share_palette(examples.numpy(), leader, PALETTE))
    bend = _smooth(1, 2, 3, size, shared) * BEND
    bend = bend + torch.cat([_smooth(1, 2, 4, size, generator) for generator in own]) * (BEND / 2)
    random = torch.rand(1, 5, generator=shared) * 2 - 1
    pose = random + 0.4 * torch.cat([torch.rand(1, 5, generator=generator) * 2 - 1 for generator in own])
    turn, stretch, shear = pose[:, 0] * TURN, pose[:, 1] * STRETCH, pose[:, 2] * STRETCH
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = torch.cos(turn) * (1 + stretch)
    theta[:, 0, 1] = -torch.sin(turn) + shear
    theta[:, 1, 0] = torch.sin(turn)
    theta[:, 1, 1] = torch.cos(turn) * (1 - stretch)
    theta[:, :, 2] = pose[:, 3:5] * MOVE
    grid = functional.affine_grid(theta, [count, 4, height, width], align_corners=False)
    grid = grid + bend.permute(0, 2, 3, 1) * 2
    varied = functional.grid_sample(examples, grid, mode="bicubic", padding_mode="zeros", align_corners=False)
    regional = torch.cat([_smooth(1, 1, 3, size, generator) for generator in own])[:, 0]
    liking = _gumbel(regional)
    if tint:
        varied = _tinted(varied, torch.rand(2, generator=shared) * 2 - 1)
    alpha = varied[:, 3:].clamp(0, 1)
    varied = torch.cat([varied[:, :3].clamp(min=0).minimum(alpha), alpha], dim=1)
    return varied, DECISIVE * (log_prior[:, None, None] + liking)


def _gumbel(normal: Tensor) -> Tensor:
    """Turn standard normal values into standard Gumbel ones.

    The largest of log-weights plus Gumbel noise is each one with the probability of its weight: every example leads in
    a share of the picture that is its weight, references in a share that is their scale.
    """
    return -torch.log(-torch.special.log_ndtr(normal.clamp(-4, 4)))


def generator_for(seed: int, key: int) -> torch.Generator:
    """Independent randomness for each pair of a seed and a key."""
    digest = hashlib.blake2b(f"{seed} {key}".encode(), digest_size=7).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big"))


def _smooth(count: int, channels: int, cells: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """(count, channels, H, W) smooth fields of about unit variance, with ``cells`` independent values a side."""
    coarse = torch.randn(count, channels, cells, cells, generator=generator)
    return functional.interpolate(coarse, size=size, mode="bicubic", align_corners=True)


def _tinted(images: Tensor, colour: Tensor) -> Tensor:
    """Turn hue and change saturation in YIQ; linear, so it is right for premultiplied colours."""
    to_yiq = torch.tensor([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    angle, gain = float(colour[0]) * HUE, 1 + 0.15 * float(colour[1])
    cos, sin = gain * math.cos(angle), gain * math.sin(angle)
    turn = torch.tensor([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    matrix = torch.linalg.inv(to_yiq) @ turn @ to_yiq
    rgb = torch.einsum("ij,kjhw->kihw", matrix, images[:, :3])
    return torch.cat([rgb, images[:, 3:]], dim=1)
