"""What the model calls of one step cost: a meter that lies in the context, so that a critic is counted too."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from langchain_core.messages import AIMessage


@dataclass
class Meter:
    """The account of one step.

    Attributes:
        check: raises ``BudgetExceeded`` or ``Cancelled`` when the run has to end; called many times a second.
        allow: raises ``BudgetExceeded`` where no other call may be made; called before each.
        tokens: of the run so far, input and output together.
        money: US dollars of the run so far; ``None`` once a call of unknown price was made.
        notes: what the trace should tell: repairs, fallbacks, failed attempts.
        calls: model calls made in this step, failed attempts included.
        tokens_here, money_here: of this step alone.
    """

    check: Callable[[], None] = lambda: None
    allow: Callable[[], None] = lambda: None
    tokens: int = 0
    money: float | None = 0.0
    notes: list[str] = field(default_factory=list)
    calls: int = 0
    tokens_here: int = 0
    money_here: float | None = 0.0

    def enter(self, answer: AIMessage) -> None:
        """Enter what an answer says it cost."""
        tokens = answer.usage_metadata["total_tokens"] if answer.usage_metadata else 0
        self.tokens += tokens
        self.tokens_here += tokens
        if tokens:
            self.money = self.money_here = None


_current: ContextVar[Meter] = ContextVar("imagerag_meter")


def current_meter() -> Meter:
    """Return the meter of the running step, or a new one that nobody reads."""
    return _current.get(Meter())


@contextmanager
def metered(meter: Meter) -> Iterator[Meter]:
    """Make that meter the current one until the block ends."""
    token = _current.set(meter)
    try:
        yield meter
    finally:
        _current.reset(token)
