"""What of a run's limits is kept for one drawing by the rules while there is no image: drivers may hang or ramble."""

from collections.abc import Sequence

from imagerag.chat_models.usage_meter import UsageMeter
from imagerag.errors import BudgetExceeded, Cancelled
from imagerag.generators.base import Charges
from imagerag.graphs.components import Components
from imagerag.graphs.state import Limits, Spent
from imagerag.records import ReferenceRecord
from imagerag.tools.drawing_cost import cost_of_drawing
from imagerag.tools.engines import open_pixels

SHARE = 0.5
"""Of ``max_seconds``: how long a drawing takes is not known before the first one."""

LAST_DECISIONS = 8
"""Decisions of the rules once a limit is reached without an image; looking everything up first takes some."""


def keep_for_a_drawing(
    meter: UsageMeter, components: Components, limits: Limits, prompt: str, references: Sequence[ReferenceRecord]
) -> None:
    """Let no question of the current step use up what one batch of drawings takes.

    Args:
        meter: of the step, which is the current one: where the cost matters, the generator is loaded under its checks.
        components: of the run; their generator may charge.
        limits: of the run.
        prompt: to be drawn.
        references: to draw with.

    Raises:
        BudgetExceeded, Cancelled: while the generator is loaded.
    """
    meter.answer_by = meter.until - SHARE * limits["max_seconds"]
    if limits["max_tokens"] is None and limits["max_money"] is None:
        return
    sizes: list[tuple[int, int]] = []
    if isinstance(generator := components.generator, Charges):
        sizes = [open_pixels(components, record).size for record in references]
    cost = cost_of_drawing(generator, prompt, sizes, components.settings.n)
    if cost is not None:
        meter.kept_tokens, meter.kept_money = cost.asked + cost.answered, cost.money


def may_still_draw(stop: BudgetExceeded | Cancelled, spent: Spent, meter: UsageMeter) -> bool:
    """Tell whether the rules may make the drawing that was kept back, now that the driver can't be asked any more.

    A limit below a single question is no fault of the driver's: that run ends without an image, as it was told to.
    """
    if not isinstance(stop, BudgetExceeded) or stop.kind not in ("steps", "tokens", "money"):
        return False
    return bool(spent["steps"] or meter.kept_tokens) and spent.get("last_decisions", 0) < LAST_DECISIONS
