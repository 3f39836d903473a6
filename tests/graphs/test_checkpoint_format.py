"""How checkpoints are packed."""

from typing import Any

import pytest

from imagerag.graphs.checkpoint_format import ELEMENTS, PlainData, lacking_in, numbers_in, ranges_of


@pytest.mark.parametrize("numbers", [[], [1], [1, 2, 3], [5, 6, 1, 2, 9], [3, 2, 1], [1, 1]])
def test_numbers_are_kept_asranges_of(numbers: list[int]) -> None:
    assert list(numbers_in(ranges_of(numbers))) == numbers


def test_plain_data_has_a_kind_of_its_own_for_shared_lists() -> None:
    shared = PlainData().dumps_typed({"imagerag_elements": {}})
    assert (shared[0], PlainData().dumps_typed({"a": 1})[0]) == ("imagerag-1", "msgpack")
    assert PlainData().loads_typed(shared) == {"imagerag_elements": {}}


WHOLE: dict[str, Any] = {
    "v": 4,
    "ts": "2026-11-29T14:09:46.926922+00:00",
    "id": "1f1ebfe8-87c6-61e8-8005-5adadc083f24",
    "channel_values": {"turn": 1},
    "channel_versions": {"turn": "00000001.0.5"},
    "versions_seen": {"intake": {"turn": "00000001.0.5"}},
    "updated_channels": ["turn"],
    ELEMENTS: {"messages": [1, 2]},
}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("v", None),
        ("v", "4"),
        ("ts", None),
        ("ts", "yesterday"),
        ("id", 7),
        ("id", "\0\0\0\0c9c2-668a-654f-8005-b683dc3127cd"),
        ("channel_values", []),
        ("channel_versions", {"turn": 1}),
        ("versions_seen", {"intake": {"turn": 1}}),
        ("versions_seen", {"intake": 1}),
        ("updated_channels", 7),
        (ELEMENTS, [1, 2]),
        (ELEMENTS, {"messages": [1]}),
        (ELEMENTS, {"messages": ["a", "b"]}),
        (ELEMENTS, {"messages": 1}),
    ],
)
def test_a_checkpoint_that_is_damaged_in_one_place_lacks_that(key: str, value: object) -> None:
    assert lacking_in(WHOLE) == ""
    assert lacking_in({**WHOLE, key: value}) == f"it lacks {key}"


def test_what_is_no_checkpoint_is_told_as_that() -> None:
    assert lacking_in([1]) == "it is no checkpoint"
    assert lacking_in({}).startswith("it lacks id, v, ts, channel_values")
