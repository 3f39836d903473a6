"""The tools that come with the product, and what the rest of it has to know of each: names stand here and nowhere else.

``imagerag.tools.builtin`` defines what they do; the graph, the policy, the approval, MCP and the prompts read names and
traits here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from imagerag.modes import Mode

GENERATE: Final = "generate"
INSPECT_IMAGE: Final = "inspect_image"
PROPOSE_CAPTIONS: Final = "propose_captions"
SEARCH_REFERENCES: Final = "search_references"
REGENERATE: Final = "regenerate_with_references"
FIND_FACTS: Final = "find_facts"


@dataclass(frozen=True)
class ToolTraits:
    """What is so of one tool.

    Attributes:
        read_only: it changes nothing, so that a client may call it again.
        looks_up: it serves looking up references; without one that does, other servers' tools are withheld, too.
        rewords: it serves rewording the prompt.
        needs_approval: a person who wants to approve is asked before it runs with references.
        by_setting: it is there only where a setting asks for it.
    """

    read_only: bool = False
    looks_up: bool = False
    rewords: bool = False
    needs_approval: bool = False
    by_setting: bool = False


TOOLS: dict[str, ToolTraits] = {
    GENERATE: ToolTraits(),
    INSPECT_IMAGE: ToolTraits(read_only=True),
    PROPOSE_CAPTIONS: ToolTraits(read_only=True, looks_up=True, rewords=True),
    SEARCH_REFERENCES: ToolTraits(looks_up=True),
    REGENERATE: ToolTraits(looks_up=True, needs_approval=True),
    FIND_FACTS: ToolTraits(read_only=True, looks_up=True, by_setting=True),
}
"""In the order in which models are shown them."""


def tools_of_mode(mode: Mode, extra: Iterable[str] = (), *, only_look_up: bool = False) -> frozenset[str]:
    """Return the names of the tools that a mode offers.

    The mode *is* its tool set: no prompt has to forbid anything, and no model can get around it.

    Args:
        mode: of the run.
        extra: names of further tools, mounted, of plugins or by a setting; offered where looking up is.
        only_look_up: in ``lookup_first``, nothing was looked up yet, so nothing else is offered.
    """
    looks_up = mode in ("auto", "lookup_first")
    names = {
        name
        for name, traits in TOOLS.items()
        if not traits.by_setting and (looks_up or not traits.looks_up or (mode == "rephrase_only" and traits.rewords))
    }
    if not looks_up:
        return frozenset(names)
    names.update(extra)
    if mode == "lookup_first" and only_look_up:
        names -= {name for name, traits in TOOLS.items() if not traits.looks_up}
    return frozenset(names)
