"""Geometry of charts: round ticks, intervals in their place, labels that don't lie on each other."""

import math
from itertools import combinations

import pytest

from imagerag.evaluation.charts import (
    BOTTOM,
    HEIGHT,
    LABEL_HEIGHT,
    LABEL_WIDTH,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Axis,
    Point,
    Row,
    number_text,
    point_chart,
    round_step,
    row_chart,
    spanning,
)


@pytest.mark.parametrize(
    ("span", "step"), [(1, 0.2), (0.35, 0.1), (7, 2), (100, 20), (0.0031, 0.001), (12_345, 5000), (6, 1)]
)
def test_round_steps(span: float, step: float) -> None:
    assert round_step(span) == pytest.approx(step)


def test_ticks_are_round_and_within() -> None:
    axis = Axis(-0.13, 0.42, 0, 100, percent=True)
    ticks = axis.ticks()
    assert [tick.text for tick in ticks] == ["-10 %", "0 %", "10 %", "20 %", "30 %", "40 %"]
    assert all(0 <= tick.place <= 100 for tick in ticks)
    assert [tick.place for tick in ticks] == sorted(tick.place for tick in ticks)
    assert number_text(0.1 + 0.2) == "0.3"


def test_axes_have_width_whatever_the_values() -> None:
    for values in ([0.0], [5.0, 5.0], [1.0, 1.0], [-3.0, 3.0], [0.2, math.nan]):
        low, high = spanning(values)
        assert low < high
    assert spanning([0.99, 1.0], share=True)[1] == 1
    assert spanning([0.0, 0.2], share=True)[0] == 0
    assert spanning([1.0, 1.0], share=True)[0] < 1


def test_points_lie_within_and_their_intervals_around_them() -> None:
    points = [Point(20, 0.5, 0.4, 0.6, "base"), Point(41, 0.9, 0.85, 1.0, "agent"), Point(30, 0.7)]
    chart = point_chart("a chart", points, ("steps", "presence"), percent=True)
    for mark in chart.marks:
        assert LEFT <= mark.x <= WIDTH - RIGHT
        assert TOP <= mark.high <= mark.y <= mark.low <= HEIGHT - BOTTOM
    assert chart.marks[0].told == "base: steps 20, presence 50 % (40 % to 60 %)"
    assert chart.marks[2].low == chart.marks[2].high == chart.marks[2].y
    assert chart.lines == ()


def test_line_goes_through_the_points_in_order() -> None:
    points = [Point(0, 1), Point(1, 2), Point(0, 3)]
    chart = point_chart("a chart", points, ("size", "score"), names=["0", "all"], joined=[[0, 1], [2]])
    one, other, _ = chart.marks
    assert chart.lines == (f"M{one.x} {one.y} L{other.x} {other.y}",)  # one point is no line
    assert [tick.text for tick in chart.x_ticks] == ["0", "all"]
    assert one.told == "size 0, score 1"


def test_labels_of_points_near_each_other_are_moved_apart() -> None:
    points = [Point(40 + at % 2, 0.5 + 0.001 * at, label=f"retrieval-{at}") for at in range(9)]
    chart = point_chart("a chart", points, ("steps", "presence"), percent=True)
    boxes = []
    for mark in chart.marks:
        wide = LABEL_WIDTH * len(mark.label)
        start = mark.label_x - wide if mark.anchor == "end" else mark.label_x
        boxes.append((start, start + wide, mark.label_y))
    for (a, b, y), (c, d, z) in combinations(boxes, 2):
        assert b < c or d < a or abs(y - z) >= LABEL_HEIGHT
    for start, end, y in boxes:
        for mark in chart.marks:
            assert end < mark.x or start > mark.x or not y - 11 < mark.y < y + 3


def test_diagonal_is_where_both_are_the_same() -> None:
    chart = point_chart("a chart", [Point(0.5, 0.5)], ("score", "seen"), percent=True, diagonal=True)
    assert chart.diagonal == f"M{LEFT}.0 {HEIGHT - BOTTOM}.0 L{WIDTH - RIGHT}.0 {TOP}.0"
    (mark,) = chart.marks
    assert (mark.x, mark.y) == ((LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2)


def test_rows_on_both_sides_of_zero() -> None:
    rows = [
        Row("better", 0.2, 0.1, 0.3, "n 9"),
        Row("worse", -0.2, -0.3, -0.1),
        Row("not settled", 0.1, -0.1, 0.3),
        Row("a name that is far too long to be shown", 0.0),
    ]
    chart = row_chart("rows", rows, "difference", percent=True)
    assert [row.side for row in chart.rows] == ["good", "bad", "neither", "neither"]
    good, bad, open_, last = chart.rows
    assert bad.low < bad.x < bad.high < chart.zero < good.low < good.x < good.high
    assert open_.low < chart.zero < open_.high
    assert last.x == chart.zero
    assert not last.has_interval
    assert last.name.endswith("…")
    assert last.told == "a name that is far too long to be shown: 0 %"
    assert good.told == "better: 20 % (10 % to 30 %)"
    assert chart.zero in [tick.place for tick in chart.ticks]
