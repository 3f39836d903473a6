"""The tools that each mode offers."""

from imagerag.modes import MODES
from imagerag.tool_registry import tools_of_mode

FIVE = {"generate", "inspect_image", "propose_captions", "search_references", "regenerate_with_references"}


def test_modes_offer_their_tools_and_no_others() -> None:
    assert {mode: set(tools_of_mode(mode, only_look_up=True)) for mode in MODES} == {
        "auto": FIVE,
        "lookup_first": FIVE - {"generate", "inspect_image"},
        "rephrase_only": {"generate", "inspect_image", "propose_captions"},
        "no_lookup": {"generate", "inspect_image"},
    }
    assert set(tools_of_mode("lookup_first")) == FIVE
