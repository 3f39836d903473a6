"""Switches of the loop that only evaluations turn: what no setting says, since nobody would want it otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from imagerag.agent.rule_policy import DEFAULT_OPTIONS, PolicyOptions
from imagerag.declaration import check_settings, declared_settings, setting

ORDERS = ("index", "similarity", "fused")
FOUND = ("index", "random", "mislabelled")


@dataclass(frozen=True)
class Switches:
    """How an arm differs from a run as people have it, beyond what its settings say."""

    pipeline: str = setting("agent", help="the loop, or the paper's fixed pipeline", choices=("agent", "one-pass"))
    returns: str = setting("best", help="the best image as ever, or the last one", choices=("best", "last"))
    n_like: str | None = setting(
        None, help="arm whose generations are the number of candidates, so that both take the same denoising steps"
    )
    references: int = setting(
        DEFAULT_OPTIONS.references, help="references per concept in one drawing of the rules", low=1, high=20
    )
    captions: int = setting(DEFAULT_OPTIONS.captions, help="captions that the rules search with", low=1, high=5)
    inspect: bool = setting(DEFAULT_OPTIONS.inspects, help="the rules look closely at what was found by likeness")
    by_title: bool = setting(DEFAULT_OPTIONS.by_title, help="the rules put references with a fitting title first")
    early_stop: bool = setting(True, help="the run ends when the critic is satisfied")
    floor: bool = setting(True, help="what lies below the look-up floor counts as not found")
    order: str = setting(
        "index",
        help="order of what is found in a person's own pictures: as the index has it, by similarity, or fused with "
        "the words of captions",
        choices=ORDERS,
    )
    found: str = setting(
        "index",
        help="what a look-up finds: what the index finds, random pictures, or random ones under the title asked for",
        choices=FOUND,
    )
    retrieval_size: int | None = setting(None, help="pictures that can be found, of all that are indexed", low=0)

    def __post_init__(self) -> None:
        """Refuse values outside what their fields declare.

        Raises:
            UserError: naming the value and what is valid.
        """
        check_settings(self)

    @property
    def policy(self) -> PolicyOptions:
        """What of them the rules heed."""
        return PolicyOptions(self.references, self.captions, self.inspect, self.by_title)


SWITCHES = declared_settings(Switches)
"""The declarations, by name."""

OF_THE_RULES = ("references", "captions", "inspect", "by_title")
"""Those that change nothing where a chat model decides."""
