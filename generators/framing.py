"""How the words for a shot and a time of day show in a layout: nearer or farther away, to a side, before a dark sky."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagerag.generators.layout import Place

ZOOM: dict[str, float] = {
    "extreme wide shot": 0.5,
    "wide shot": 0.7,
    "close-up": 1.25,
    "extreme close-up": 1.55,
}
"""Times the usual size, about the middle of the picture; what does not fit any more is cut off, as in a photograph."""
SIDE = 0.6
"""Side of the whole layout, as a share of the canvas, where it is moved to a side."""
CORNERS: dict[str, tuple[float, float]] = {
    "on the left": (0.0, 0.5),
    "on the right": (1.0, 0.5),
    "at the top": (0.5, 0.0),
    "at the bottom": (0.5, 1.0),
    "in the middle": (0.5, 0.5),
    "in the top left corner": (0.0, 0.0),
    "in the top right corner": (1.0, 0.0),
    "in the bottom left corner": (0.0, 1.0),
    "in the bottom right corner": (1.0, 1.0),
}
"""Where the layout goes: shares of the room that is left, from the left and from the top."""
SKIES: dict[str, str] = {
    "night": "navy",
    "midnight": "navy",
    "nighttime": "navy",
    "dusk": "violet",
    "twilight": "violet",
    "evening light": "violet",
    "blue hour": "dark blue",
    "dawn": "beige",
    "golden hour": "gold",
    "morning light": "beige",
    "noon": "light blue",
    "midday": "light blue",
    "daylight": "light blue",
    "daytime": "light blue",
    "afternoon light": "light blue",
}
"""Colours of a plain background that tell a time of day; keys of ``COLOURS``."""


def framed(places: "Sequence[Place]", modifiers: Sequence[str]) -> "list[Place]":
    """Return the places as the modifiers of a prompt show them; as they are where none is of a shot or a side.

    Args:
        places: within the canvas 0..1; afterwards they may lie beyond it.
        modifiers: of a scene.
    """
    moved = list(places)
    for word in modifiers:
        if corner := CORNERS.get(word):
            x, y = (share * (1 - SIDE) for share in corner)
            moved = [
                replace(place, x=x + place.x * SIDE, y=y + place.y * SIDE, side=place.side * SIDE) for place in moved
            ]
    zoom = next((ZOOM[word] for word in modifiers if word in ZOOM), 1.0)
    if zoom == 1.0:
        return moved
    start = (1 - zoom) / 2
    return [
        replace(place, x=start + place.x * zoom, y=start + place.y * zoom, side=place.side * zoom) for place in moved
    ]


def sky(modifiers: Sequence[str]) -> str | None:
    """Return the colour of the background that a time of day has; ``None`` where the modifiers tell none."""
    return next((SKIES[word] for said in modifiers if (word := said.removeprefix("at ")) in SKIES), None)
