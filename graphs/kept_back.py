"""What of a run's limits is kept for one drawing by the rules while there is no image: drivers may hang or ramble."""

from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image

from imagerag.errors import BudgetExceeded, Cancelled
from imagerag.generators.base import Charges
from imagerag.graphs.components import Components
from imagerag.graphs.state import Limits, Spent
from imagerag.records import ReferenceRecord
from imagerag.tools.drawing_cost import cost_of_drawing

SHARE = 0.5
"""Of ``max_seconds``: how long a drawing takes is not known before the first one."""

LAST_DECISIONS = 8
"""Decisions of the rules once a limit is reached without an image; looking everything up first takes some."""


class KeptBack(NamedTuple):
    """What no question may use up.

    Attributes:
        seconds: at the end of the run's time.
        tokens: of those that are left.
        money: US dollars of those that are left.
    """

    seconds: float
    tokens: int
    money: float


def kept_for_a_drawing(
    components: Components, limits: Limits, prompt: str, references: Sequence[ReferenceRecord]
) -> KeptBack:
    """Return what one batch of drawings takes.

    Args:
        components: of the run; their generator may charge.
        limits: of the run.
        prompt: to be drawn.
        references: to draw with.
    """
    sizes: list[tuple[int, int]] = []
    if isinstance(components.generator, Charges):
        for record in references:
            with Image.open(record["path"]) as picture:
                sizes.append(picture.size)
    cost = cost_of_drawing(components.generator, prompt, sizes, components.settings.n)
    seconds = SHARE * limits["max_seconds"]
    return KeptBack(seconds, 0, 0.0) if cost is None else KeptBack(seconds, cost.asked + cost.answered, cost.money)


def may_still_draw(stop: BudgetExceeded | Cancelled, spent: Spent, kept: KeptBack) -> bool:
    """Tell whether the rules may make the drawing that was kept back, now that the driver can't be asked any more.

    A limit below a single question is no fault of the driver's: that run ends without an image, as it was told to.
    """
    if not isinstance(stop, BudgetExceeded) or stop.kind not in ("steps", "tokens", "money"):
        return False
    return bool(spent["steps"] or kept.tokens) and spent.get("last_decisions", 0) < LAST_DECISIONS
