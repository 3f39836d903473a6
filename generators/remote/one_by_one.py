"""Candidates of one request by a request each, as images APIs make them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

from imagerag.errors import DrawingRefused, InvalidArgument, UserError
from imagerag.generators.base import DrawControl, Drawing, DrawRequest

Drawn = tuple[Image.Image, Mapping[str, float]]
"""An image, and what it cost as far as the server tells: ``input`` and ``output`` in tokens, or ``dollars``."""


def draw_one_by_one(
    request: DrawRequest, control: DrawControl, draw: Callable[[int], Drawn], facts: dict[str, Any]
) -> list[Drawing]:
    """Draw one image per seed. What was drawn before a failure is kept, with a note of it.

    Args:
        request: whose seeds tell candidates apart.
        control: of the run.
        draw: makes one image, given its seed.
        facts: of all of them.

    Raises:
        DrawingRefused: the server's safety system refuses all of them.
        InvalidArgument, UserError: as ``draw`` raised it for the first one.
    """
    drawings: list[Drawing] = []
    notes: list[str] = []
    for done, seed in enumerate(request.seeds, 1):
        control.check()
        try:
            image, usage = draw(seed)
        except DrawingRefused as error:
            notes.append(str(error))
            continue
        except (InvalidArgument, UserError) as error:
            if not drawings:
                raise
            notes.append(f"{len(request.seeds) - done + 1} of {len(request.seeds)} were not drawn: {error}")
            break
        digest = hashlib.sha256(image.tobytes()).hexdigest()[:12]
        drawings.append(Drawing(image, seed, {**facts, "usage": usage, "answer": digest, "notes": notes}))
        control.step(done, len(request.seeds))
    if not drawings:
        raise DrawingRefused(notes[-1])
    return drawings
