"""Random scenes, composed on torch batches: what a critic's crop may look like, with the truth about it.

The critic cuts windows out of pictures of one to four objects and compares them with words. So an object is trained
at any size, cut off, in front of or behind a neighbour, on any plain background, a little blurred or noisy, and now and
then as a mixture of two styles, which is what the generator paints.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from imagerag.generators.patchwork.recolour import recolour
from imagerag.prompt_grammar.vocabulary import COLOURS

PAINTS = torch.tensor(list(COLOURS.values()))


@dataclass(frozen=True)
class SceneSettings:
    """How wild the scenes are; probabilities in 0..1, sizes as a share of the window's side."""

    size: int = 64
    scale: tuple[float, float] = (0.5, 1.15)
    rotation: float = 12.0
    full_frame: float = 0.15  # the picture as it lies in the library
    neighbour: float = 0.4  # a second object that is not asked for
    pair: float = 0.12  # two objects side by side, both of them asked for
    mixture: float = 0.2  # two sets' drawings of one concept, blended
    white: float = 0.45
    hue: float = 0.35
    recolour: float = 0.2  # as the generator paints what a prompt names a colour for: a blue lobster is a lobster
    bend: float = 0.5
    bend_most: float = 0.12  # half window sides; the generator bends its examples about as much
    noise: float = 0.3
    blur: float = 0.25


def _uniform(n: int, low: float, high: float, g: torch.Generator) -> Tensor:
    return torch.rand(n, generator=g) * (high - low) + low


def _chance(n: int, p: float, g: torch.Generator) -> Tensor:
    return torch.rand(n, generator=g) < p


def _recolour(rgba: Tensor, chosen: Tensor, g: torch.Generator) -> Tensor:
    """Paint the chosen rows of (n, 4, s, s) pictures in 0..1 in one of the named colours, give or take a little."""
    rows = chosen.nonzero().squeeze(1)
    paints = PAINTS[torch.randint(len(PAINTS), (len(rows),), generator=g)]
    paints = (paints + torch.randint(-20, 21, paints.shape, generator=g)).clamp(0, 255)
    for row, paint in zip(rows.tolist(), paints.tolist(), strict=True):
        painted = recolour(rgba[row].permute(1, 2, 0).numpy(), tuple(paint))
        rgba[row] = torch.from_numpy(painted).permute(2, 0, 1)
    return rgba


def _bends(n: int, settings: SceneSettings, g: torch.Generator) -> Tensor:
    """(n, size, size, 2) smooth displacements for `grid_sample`, zero for a share of the rows."""
    coarse = torch.randn(n, 2, 4, 4, generator=g)
    strength = _uniform(n, 0, settings.bend_most, g) * _chance(n, settings.bend, g)
    size = settings.size
    fine = F.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=True)
    return (fine * strength.view(n, 1, 1, 1)).permute(0, 2, 3, 1)


def _place(
    rgba: Tensor,
    scale: Tensor,
    x: Tensor,
    y: Tensor,
    angle: Tensor,
    flip: Tensor,
    size: int,
    bend: Tensor | None = None,
) -> Tensor:
    """Draw (n, 4, s, s) pictures into (n, 4, size, size) windows. `x`, `y`: centre, -1..1; `scale`: of the side."""
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    mirror = torch.where(flip, -1.0, 1.0)
    theta = torch.stack(
        [
            torch.stack([cos * mirror, sin * mirror, -(cos * x + sin * y) * mirror], 1),
            torch.stack([-sin, cos, sin * x - cos * y], 1),
        ],
        1,
    )
    grid = F.affine_grid(theta, [len(rgba), 4, size, size], align_corners=False)
    if bend is not None:
        grid = grid + bend
    return F.grid_sample(rgba, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def backgrounds(n: int, size: int, white: float, g: torch.Generator) -> Tensor:
    """(n, 3, size, size) in 0..1: white, one colour, or a gradient between two."""
    first, second = torch.rand(n, 3, 1, 1, generator=g), torch.rand(n, 3, 1, 1, generator=g)
    pastel = _chance(n, 0.5, g).view(n, 1, 1, 1)
    first = torch.where(pastel, 0.6 + 0.4 * first, first)
    angle = _uniform(n, 0, 6.2832, g).view(n, 1, 1)
    line = torch.linspace(-0.7, 0.7, size)
    ramp = (torch.cos(angle) * line.view(1, 1, -1) + torch.sin(angle) * line.view(1, -1, 1) + 0.5).clamp(0, 1)
    flat = _chance(n, 0.6, g).view(n, 1, 1, 1)
    ramp = torch.where(flat, torch.zeros(()), ramp.unsqueeze(1) * 0.7)
    colour = first * (1 - ramp) + second * ramp
    return torch.where(_chance(n, white, g).view(n, 1, 1, 1), torch.ones(()), colour)


def _blend_styles(rgba: Tensor, other: Tensor, chosen: Tensor, g: torch.Generator) -> Tensor:
    """Blend rows of `other` into `rgba` where `chosen`, through a soft random mask: half an owl of each style."""
    n, _, s, _ = rgba.shape
    mask = F.interpolate(torch.randn(n, 1, 3, 3, generator=g), size=(s, s), mode="bilinear", align_corners=True)
    mask = torch.sigmoid(mask * 6.0) * chosen.view(n, 1, 1, 1)
    return rgba * (1 - mask) + other * mask


def _colour_shift(rgb: Tensor, chosen: Tensor, g: torch.Generator) -> Tensor:
    """Mild: hue within 15 degrees, brightness and contrast within 15 %. Colour is often what a concept is."""
    n = len(rgb)
    angle = _uniform(n, -0.26, 0.26, g) * chosen
    cos, sin = torch.cos(angle), torch.sin(angle)
    third, root = 1 / 3, 3**-0.5
    a, b, c = cos + (1 - cos) * third, (1 - cos) * third - sin * root, (1 - cos) * third + sin * root
    turn = torch.stack([torch.stack([a, b, c], 1), torch.stack([c, a, b], 1), torch.stack([b, c, a], 1)], 1)
    gain = (1 + _uniform(n, -0.15, 0.15, g) * chosen).view(n, 1, 1, 1)
    lift = (_uniform(n, -0.08, 0.08, g) * chosen).view(n, 1, 1, 1)
    return torch.einsum("nij,njhw->nihw", turn, rgb) * gain + lift


def _soften(rgb: Tensor, settings: SceneSettings, g: torch.Generator) -> Tensor:
    """Resample through a smaller size, or add noise, on a share of the rows."""
    n, size = len(rgb), settings.size
    rows = _chance(n, settings.blur, g).nonzero().squeeze(1)
    if len(rows):
        small = int(size * (0.45 + 0.4 * torch.rand((), generator=g).item()))
        low = F.interpolate(rgb[rows], size=(small, small), mode="bilinear", antialias=True)
        rgb[rows] = F.interpolate(low, size=(size, size), mode="bilinear")
    rows = _chance(n, settings.noise, g).nonzero().squeeze(1)
    if len(rows):
        sigma = _uniform(len(rows), 0.01, 0.06, g).view(-1, 1, 1, 1)
        rgb[rows] += torch.randn(rgb[rows].shape, generator=g) * sigma
    return rgb


def compose(
    main: Tensor,
    sibling: Tensor,
    second: Tensor,
    may_flip: Tensor,
    may_paint: Tensor,
    settings: SceneSettings,
    g: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Compose a batch of scenes.

    `main`, `sibling` (the same concept in another set, or the same picture again) and `second` are (n, 4, s, s) uint8,
    premultiplied; `may_flip` and `may_paint` (n,) say where mirroring and another colour keep the meaning. Returns
    windows (n, 3, size, size) in about 0..1 and `share` (n,), the share of `second` in what is asked for: 0, or 0.5 for
    pairs.
    """
    n, size = len(main), settings.size
    picture = main.float() / 255
    rows = _chance(n, settings.mixture, g)
    if rows.any():
        picture = _blend_styles(picture, sibling.float() / 255, rows, g)
    picture = _recolour(picture, may_paint & _chance(n, settings.recolour, g), g)
    pair = _chance(n, settings.pair, g)
    lonely = ~pair & ~_chance(n, settings.neighbour, g)
    full = lonely & _chance(n, settings.full_frame / max(1e-6, 1 - settings.neighbour - settings.pair), g)

    scale = _uniform(n, *settings.scale, g)
    roam = 0.2 + 0.75 * (1.05 - scale).clamp(0, 1)  # small objects may lie anywhere; any may be cut off a little
    x, y = _uniform(n, -1, 1, g) * roam, _uniform(n, -1, 1, g) * roam
    angle = _uniform(n, -settings.rotation, settings.rotation, g) * 0.01745 * _chance(n, 0.7, g)
    flip = may_flip & _chance(n, 0.5, g)

    # the neighbour lies in some direction, far enough that most of the main object stays in sight
    way = _uniform(n, 0, 6.2832, g)
    scale2 = scale * _uniform(n, 0.5, 1.2, g)
    gap = (scale + scale2) * _uniform(n, 0.55, 1.0, g)
    pair_scale = _uniform(n, 0.45, 0.75, g)
    scale, scale2 = torch.where(pair, pair_scale, scale), torch.where(pair, pair_scale, scale2)
    gap = torch.where(pair, pair_scale * _uniform(n, 1.2, 1.7, g), gap)
    x, y = torch.where(pair, -torch.cos(way) * gap / 2, x), torch.where(pair, -torch.sin(way) * gap / 2, y)
    x2, y2 = x + torch.cos(way) * gap, y + torch.sin(way) * gap
    zero, one = torch.zeros(()), torch.ones(())
    scale, angle = torch.where(full, one, scale), torch.where(full, zero, angle)
    x, y = torch.where(full, zero, x), torch.where(full, zero, y)

    front = _place(picture, scale, x, y, angle, flip, size, _bends(n, settings, g))
    rgb = backgrounds(n, size, settings.white, g)
    seen = (~lonely).nonzero().squeeze(1)
    extra = torch.zeros_like(front)
    if len(seen):
        extra[seen] = _place(
            second[seen].float() / 255,
            scale2[seen],
            x2[seen],
            y2[seen],
            angle[seen] * -0.5,
            torch.zeros(len(seen), dtype=torch.bool),
            size,
        )
    behind = _chance(n, 0.6, g).view(n, 1, 1, 1)
    lower, upper = torch.where(behind, extra, front), torch.where(behind, front, extra)
    rgb = rgb * (1 - lower[:, 3:]) + lower[:, :3]
    rgb = rgb * (1 - upper[:, 3:]) + upper[:, :3]
    rgb = _colour_shift(rgb, _chance(n, settings.hue, g).float(), g)
    return _soften(rgb, settings, g), pair * 0.5


def on_white(rgba: Tensor, size: int) -> Tensor:
    """(n, 4, s, s) uint8 premultiplied -> (n, 3, size, size) in 0..1 on white: how the index sees a picture."""
    x = rgba.float() / 255
    rgb = x[:, :3] + 1 - x[:, 3:]
    return F.interpolate(rgb, size=(size, size), mode="bilinear", antialias=True) if rgb.shape[-1] != size else rgb
