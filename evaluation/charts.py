"""Charts as geometry: where ticks, points, lines and labels lie, in pixels; ``report/charts.svg.j2`` draws them.

The template escapes what is written in them, and a style sheet gives the colours, so that a chart follows the reader's
choice of light or dark, on a page and as a file of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 28, 16, 48
LABEL_HEIGHT = 15
LABEL_WIDTH = 7.0
"""Pixels of a letter, about; so much is left free beside a label."""
ROW_WIDTH = 480
ROW = 24
NAMES = 170
"""Pixels of the names of a row chart."""
LONGEST = 24
"""Letters of a name there."""


class Tick(NamedTuple):
    """A mark on an axis, at ``place`` pixels."""

    place: float
    text: str


@dataclass(frozen=True)
class Point:
    """A value with its interval.

    Attributes:
        x, y: in the unit of the axes.
        low, high: of the interval of y; nan without one.
        label: beside it; "" for none.
    """

    x: float
    y: float
    low: float = math.nan
    high: float = math.nan
    label: str = ""


class Mark(NamedTuple):
    """A point as it is drawn, in pixels.

    Attributes:
        low, high: ends of its interval; equal to ``y`` without one.
        label_x, label_y, anchor: where its label stands, and at which end.
        told: in words, for a reader who points at it or doesn't see it.
    """

    x: float
    y: float
    low: float
    high: float
    label: str
    label_x: float
    label_y: float
    anchor: str
    told: str


@dataclass(frozen=True)
class Chart:
    """Points over two axes.

    Attributes:
        title: what it shows, in a sentence.
        x_title, y_title: of the axes, with the unit.
        lines: each the points of a line, as an SVG path.
        diagonal: of perfect calibration, as a path; "" for none.
    """

    title: str
    x_title: str
    y_title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    lines: tuple[str, ...] = ()
    diagonal: str = ""
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT
    top: int = TOP
    bottom: int = BOTTOM


class Row(NamedTuple):
    """A named value of a row chart; nan where it has no interval.

    Attributes:
        note: at its right end.
    """

    name: str
    value: float
    low: float = math.nan
    high: float = math.nan
    note: str = ""


class RowMark(NamedTuple):
    """A row as it is drawn, in pixels; ``side`` is good, bad or neither."""

    name: str
    y: float
    x: float
    low: float
    high: float
    has_interval: bool
    side: str
    note: str
    told: str


@dataclass(frozen=True)
class RowChart:
    """Values in rows, on both sides of zero.

    Attributes:
        bars: drawn as bars from zero; else as points with their intervals.
        zero: where zero lies, in pixels.
    """

    title: str
    x_title: str
    ticks: tuple[Tick, ...]
    rows: tuple[RowMark, ...]
    bars: bool
    zero: float
    height: int
    width: int = ROW_WIDTH
    names: int = NAMES
    bottom: int = BOTTOM


@dataclass(frozen=True)
class Axis:
    """From values to pixels, with ticks at round values.

    Attributes:
        low, high: values at the ends.
        start, end: pixels there.
        percent: the values are shares, shown in percent.
    """

    low: float
    high: float
    start: float
    end: float
    percent: bool = False
    names: tuple[str, ...] = field(default=())
    """Shown at 0, 1, 2 ... instead of numbers."""

    def __call__(self, value: float) -> float:
        """Return where a value lies, in pixels."""
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)

    def ticks(self) -> tuple[Tick, ...]:
        """Return the marks."""
        if self.names:
            return tuple(Tick(self(at), name) for at, name in enumerate(self.names))
        step = round_step(self.high - self.low)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return tuple(Tick(self(at * step), number_text(at * step, self.percent)) for at in range(first, last + 1))


def round_step(span: float, most: int = 6) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that divides a span into ``most`` parts or fewer."""
    power = 10.0 ** math.floor(math.log10(span / most))
    return next(times * power for times in (1, 2, 5, 10) if span / (times * power) <= most)


def number_text(value: float, percent: bool = False) -> str:
    """Return a number as an axis has it."""
    return f"{round(100 * value, 6):g} %" if percent else f"{round(value, 9):g}"


def spanning(values: Sequence[float], *, share: bool = False) -> tuple[float, float]:
    """Return the ends of an axis for values: with some air, never of no width, of shares within 0..1."""
    known = [value for value in values if math.isfinite(value)]
    low, high = min(known), max(known)
    air = 0.08 * (high - low) or 0.05 * abs(high) or 0.5
    if share:
        return max(0.0, low - air), min(1.0, high + air)
    return (0.0 if 0 <= low < 0.5 * high else low - air), high + air


def point_chart(
    title: str,
    points: Sequence[Point],
    titles: tuple[str, str],
    *,
    names: Sequence[str] = (),
    percent: bool = False,
    joined: Sequence[Sequence[int]] = (),
    diagonal: bool = False,
) -> Chart:
    """Return a chart of points.

    Args:
        title: what it shows.
        points: at least one.
        titles: of the axes.
        names: of the values 0, 1, 2 ... of x, which is no number then.
        percent: y is a share.
        joined: lines, each through the points at these places.
        diagonal: shows where y is x, and both axes go from 0 to 1.
    """
    ys = [value for point in points for value in (point.y, point.low, point.high)]
    y_ends = (0.0, 1.0) if diagonal else spanning(ys, share=percent)
    x_ends = (0.0, 1.0) if diagonal else spanning([0.0, *(point.x for point in points)])
    if names:
        x_ends = (-0.5, len(names) - 0.5)
    x = Axis(*x_ends, LEFT, WIDTH - RIGHT, diagonal and percent, tuple(names))
    y = Axis(*y_ends, HEIGHT - BOTTOM, TOP, percent)
    paths = (
        " ".join(f"{'L' if at else 'M'}{x(points[place].x)} {y(points[place].y)}" for at, place in enumerate(line))
        for line in joined
        if len(line) > 1
    )
    return Chart(
        title=title,
        x_title=titles[0],
        y_title=titles[1],
        x_ticks=x.ticks(),
        y_ticks=y.ticks(),
        marks=tuple(_placed([_mark(point, x, y, titles) for point in points])),
        lines=tuple(paths),
        diagonal=f"M{x(0)} {y(0)} L{x(1)} {y(1)}" if diagonal else "",
    )


def _mark(point: Point, x: Axis, y: Axis, titles: tuple[str, str]) -> Mark:
    known = math.isfinite(point.low)
    to_the_left = x(point.x) + LABEL_WIDTH * len(point.label) > WIDTH - RIGHT
    across = x.names[round(point.x)] if x.names else number_text(round(point.x, 3), x.percent)
    told = f"{titles[0]} {across}, {titles[1]} {number_text(round(point.y, 4), y.percent)}"
    if known:
        told += f" ({number_text(round(point.low, 4), y.percent)} to {number_text(round(point.high, 4), y.percent)})"
    return Mark(
        x(point.x),
        y(point.y),
        y(point.low) if known else y(point.y),
        y(point.high) if known else y(point.y),
        point.label,
        x(point.x) + (-8 if to_the_left else 8),
        y(point.y) - 6,
        "end" if to_the_left else "start",
        f"{point.label}: {told}" if point.label else told,
    )


def _placed(marks: Sequence[Mark]) -> list[Mark]:
    """Move labels up or down where they would lie on others or on points, the nearest free place first."""
    taken = [(mark.x - 6, mark.x + 6, mark.y + 4) for mark in marks]
    found = []
    for mark in marks:
        wide = LABEL_WIDTH * len(mark.label)
        start = mark.label_x - (wide if mark.anchor == "end" else 0)
        moves = [sign * step * 4 for step in range(HEIGHT // 4) for sign in (1, -1)] if mark.label else [0]
        free = (at for at in (mark.label_y + move for move in moves) if _is_free(start, start + wide, at, taken))
        label_y = next(free, mark.label_y)
        taken.append((start, start + wide, label_y))
        found.append(mark._replace(label_y=round(label_y, 1)))
    return found


def _is_free(start: float, end: float, at: float, taken: Sequence[tuple[float, float, float]]) -> bool:
    inside = TOP + 8 <= at <= HEIGHT - BOTTOM - 4
    return inside and all(end < left or start > right or abs(at - y) >= LABEL_HEIGHT for left, right, y in taken)


def row_chart(title: str, rows: Sequence[Row], x_title: str, *, percent: bool = False, bars: bool = False) -> RowChart:
    """Return a chart of values in rows.

    Args:
        title: what it shows.
        rows: at least one, from the top.
        x_title: of the axis.
        percent: the values are shares.
        bars: drawn as bars from zero; else as points with their intervals.
    """
    values = [0.0, *(value for row in rows for value in (row.value, row.low, row.high) if math.isfinite(value))]
    air = 0.05 * (max(values) - min(values)) or 0.5
    x = Axis(min(values) - air, max(values) + air, NAMES + 12, ROW_WIDTH - 64, percent)
    return RowChart(
        title=title,
        x_title=x_title,
        ticks=x.ticks(),
        rows=tuple(_row_mark(row, at, x) for at, row in enumerate(rows)),
        bars=bars,
        zero=x(0),
        height=TOP + ROW * len(rows) + BOTTOM,
    )


def _row_mark(row: Row, at: int, x: Axis) -> RowMark:
    known = math.isfinite(row.low)
    low, high = (row.low, row.high) if known else (row.value, row.value)
    said = number_text(round(row.value, 4), x.percent)
    if known:
        said += f" ({number_text(round(low, 4), x.percent)} to {number_text(round(high, 4), x.percent)})"
    side = "good" if low > 0 else "bad" if high < 0 else "neither"
    name = row.name if len(row.name) <= LONGEST else row.name[: LONGEST - 1] + "…"
    place = TOP + ROW * at + ROW / 2
    return RowMark(name, place, x(row.value), x(low), x(high), known, side, row.note, f"{row.name}: {said}")
