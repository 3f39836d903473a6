"""The tools that each mode offers."""

from imagerag.graphs.turn import offered_tools
from imagerag.records import MODES

FIVE = {"generate", "inspect_image", "propose_captions", "search_references", "regenerate_with_references"}


def test_modes_offer_their_tools_and_no_others() -> None:
    assert {mode: set(offered_tools(mode, [], searched=False)) for mode in MODES} == {
        "auto": FIVE,
        "lookup_first": FIVE - {"generate", "inspect_image"},
        "rephrase_only": {"generate", "inspect_image", "propose_captions"},
        "no_lookup": {"generate", "inspect_image"},
    }
    assert set(offered_tools("lookup_first", [], searched=True)) == FIVE
