"""How checkpoints are packed."""

import pytest

from imagerag.graphs.checkpoint_format import PlainData, numbers_in, ranges_of


@pytest.mark.parametrize("numbers", [[], [1], [1, 2, 3], [5, 6, 1, 2, 9], [3, 2, 1], [1, 1]])
def test_numbers_are_kept_asranges_of(numbers: list[int]) -> None:
    assert list(numbers_in(ranges_of(numbers))) == numbers


def test_plain_data_has_a_kind_of_its_own_for_shared_lists() -> None:
    shared = PlainData().dumps_typed({"imagerag_elements": {}})
    assert (shared[0], PlainData().dumps_typed({"a": 1})[0]) == ("imagerag-1", "msgpack")
    assert PlainData().loads_typed(shared) == {"imagerag_elements": {}}
