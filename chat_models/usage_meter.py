"""What the model calls of one step cost: a meter that lies in the context, so that a critic is counted too."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from langchain_core.messages import AIMessage

from imagerag.chat_models.pricing import FEWEST_WORDS, MOST_WORDS, Pricing
from imagerag.chat_models.recording import Recorder
from imagerag.chat_models.run_memory import RunMemory, memory_of
from imagerag.chat_models.token_estimate import estimate
from imagerag.errors import BudgetExceeded
from imagerag.records import Price
from imagerag.steady_clock import steady_time


class TimeKeptBack(Exception):
    """There is no more time for an answer, since the rest of the run's is kept for something else.

    Attributes:
        sent: whether the question was put, so that it may be billed.
    """

    status_code = 408

    def __init__(self, sent: bool) -> None:
        super().__init__("no answer in time; the rest of the time is kept for a drawing")
        self.sent = sent


@dataclass
class UsageMeter:
    """The account of one step.

    Attributes:
        check: raises ``BudgetExceeded`` or ``Cancelled`` when the run has to end; called many times a second.
        until: when the run's time ends, in seconds since the epoch; no wait is begun that would outlast it.
        answer_by: until when a question may take, in seconds since the epoch; the rest is kept for a drawing.
        kept_tokens, kept_money: of the limits, kept for a drawing; no question is put that would use them.
        check_loading: in place of ``check`` while models are loaded; told the seconds that this loading has taken.
        enter_loading: told the seconds that loading took, which the run's time does not count.
        max_tokens, max_money: of the run; ``None`` for no limit.
        tokens: of the run so far, input and output together.
        money: US dollars of the run so far; ``None`` once a call of unknown price was made.
        image_size: pixels of the longer side of images put to models; ``None`` for as large as each takes.
        memory: of the run; recordings know it by that id.
        recorder: where its exchanges with models are written, if they are.
        notes: what the trace should tell: repairs, fallbacks, failed attempts.
        images_sent: width x height in pixels of each image put to a model in this step, as sent.
        calls: model calls made in this step, failed attempts included.
        tokens_here, money_here: of this step alone.
        prices: that this step's money was counted at, by model.
    """

    check: Callable[[], None] = lambda: None
    max_tokens: int | None = None
    max_money: float | None = None
    tokens: int = 0
    money: float | None = 0.0
    image_size: int | None = None
    memory: RunMemory = field(default_factory=lambda: memory_of(""))
    recorder: Recorder | None = None
    notes: list[str] = field(default_factory=list)
    images_sent: list[str] = field(default_factory=list)
    calls: int = 0
    tokens_here: int = 0
    money_here: float | None = 0.0
    prices: dict[str, Price] = field(default_factory=dict)
    until: float = math.inf
    answer_by: float = math.inf
    kept_tokens: int = 0
    kept_money: float = 0.0
    check_loading: Callable[[float], None] | None = None
    enter_loading: Callable[[float], None] = lambda seconds: None

    def allow(self, asked: int, pricing: Pricing | None, fewest: int = FEWEST_WORDS, *, kept: bool = False) -> int:
        """Return how many tokens the answer may have to a question of ``asked`` tokens, before it is put.

        Args:
            asked: tokens of the question.
            pricing: of the model; ``None`` if its answers cost nothing.
            fewest: tokens that an answer of use has: few words, but all of an image.
            kept: what is kept for a drawing stays untouched.

        Raises:
            BudgetExceeded: none that is of use; or money is limited, and the price or what was spent is unknown.
        """
        most = max(MOST_WORDS, fewest)
        if pricing is None:
            asked, fewest = 0, 1
        if self.max_tokens is not None:
            most = min(most, self.max_tokens - self.tokens - asked - (self.kept_tokens if kept else 0))
            if most < fewest:
                raise BudgetExceeded("tokens", self.tokens, self.max_tokens)
        if self.max_money is None:
            return most
        if self.money is None or (pricing is not None and pricing.cost(1, 1) is None):
            raise BudgetExceeded("money", float("nan"), self.max_money)
        if pricing is None:
            if 0 < self.max_money <= self.money + (self.kept_money if kept else 0.0):
                raise BudgetExceeded("money", self.money, self.max_money)
            return most
        left = self.max_money - self.money - (pricing.cost(asked, 0) or 0.0) - (self.kept_money if kept else 0.0)
        if pricing.output:
            most = min(most, int(left / pricing.output))
        if left < 0 or most < fewest:
            raise BudgetExceeded("money", self.money, self.max_money)
        return most

    def allow_money(self, cost: float | None) -> None:
        """Refuse to spend so many US dollars.

        Args:
            cost: ``None`` where it is not known.

        Raises:
            BudgetExceeded: money is limited, and less is left, or the cost or what was spent is unknown.
        """
        if self.max_money is None:
            return
        if self.money is None or cost is None:
            raise BudgetExceeded("money", float("nan"), self.max_money)
        if self.money + cost > self.max_money:
            raise BudgetExceeded("money", self.money, self.max_money)

    def check_answering(self) -> None:
        """End the wait for an answer: called many times a second.

        Raises:
            BudgetExceeded, Cancelled: as ``check`` does.
            TimeKeptBack: the question has had its time.
        """
        self.check()
        self.check_time(sent=True)

    def check_time(self, sent: bool) -> None:
        """Refuse to wait for an answer when the time for it has run out.

        Raises:
            TimeKeptBack: it has; ``sent`` tells whether the question was put.
        """
        if steady_time() >= self.answer_by:
            raise TimeKeptBack(sent)

    @contextmanager
    def loading(self) -> Iterator[Callable[[], None]]:
        """Leave the time until the block ends out of the run's, and give the check that holds meanwhile."""
        began, check_loading = steady_time(), self.check_loading
        try:
            yield self.check if check_loading is None else lambda: check_loading(steady_time() - began)
        finally:
            took = steady_time() - began
            self.until += took
            self.answer_by += took
            self.enter_loading(took)

    def enter(self, answer: AIMessage, asked: int, pricing: Pricing | None) -> None:
        """Enter what an answer says it cost, or by estimate what it must have, where it does not say."""
        usage = answer.usage_metadata
        if usage is not None:
            into, out = usage["input_tokens"], max(usage["total_tokens"] - usage["input_tokens"], 0)
            if not into and pricing is not None:  # streams of some servers tell only what was written
                into = asked
            if pricing is not None and asked:
                pricing.stretch = min(max(pricing.stretch, pricing.stretch * into / asked), 20.0)
        elif pricing is not None:
            into, out = asked, estimate([answer])
        else:
            return
        self.enter_tokens(into, out, pricing)

    def enter_failure(self, asked: int, most: int, pricing: Pricing | None) -> None:
        """Enter a question whose answer was lost, for the most that it may be billed at where there is a limit."""
        if pricing is not None:
            limited = self.max_tokens is not None or self.max_money is not None
            self.enter_tokens(asked, most if limited else 0, pricing)

    def enter_tokens(self, into: int, out: int, pricing: Pricing | None) -> None:
        """Enter tokens of a question and its answer."""
        if into + out == 0:
            return
        self.tokens += into + out
        self.tokens_here += into + out
        self.enter_money(None if pricing is None else pricing.cost(into, out), pricing)

    def enter_money(self, cost: float | None, pricing: Pricing | None) -> None:
        """Enter so many US dollars; ``None`` where it is not known how many."""
        if pricing is not None:
            self.prices[pricing.name] = pricing.price
        self.money = None if cost is None or self.money is None else self.money + cost
        self.money_here = None if cost is None or self.money_here is None else self.money_here + cost


_current: ContextVar[UsageMeter] = ContextVar("imagerag_meter")


def current_meter() -> UsageMeter:
    """Return the meter of the running step, or a new one that nobody reads."""
    return _current.get(UsageMeter())


@contextmanager
def using_meter(meter: UsageMeter) -> Iterator[UsageMeter]:
    """Make that meter the current one until the block ends."""
    token = _current.set(meter)
    try:
        yield meter
    finally:
        _current.reset(token)
