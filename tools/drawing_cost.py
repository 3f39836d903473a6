"""What one batch of drawings may cost at most, before it is drawn."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from imagerag.chat_models.images import limit_by_name
from imagerag.chat_models.pricing import Pricing, load_pricing
from imagerag.chat_models.token_estimate import BYTES_PER_TOKEN
from imagerag.chat_models.usage_meter import UsageMeter
from imagerag.generators.base import Charges, Generator


class DrawingCost(NamedTuple):
    """Tokens or images of one batch, and how they are charged.

    Attributes:
        asked, answered: tokens of the requests, and of the images at most; 0 where images are paid for each.
        pricing: of the generator.
        images: of the batch.
        references: of each image.
    """

    asked: int
    answered: int
    pricing: Pricing
    images: int
    references: int

    @property
    def by_image(self) -> bool:
        """Whether images are paid for each."""
        return self.answered == 0

    @property
    def money(self) -> float:
        """US dollars; 0 where the price is unknown."""
        return self._money or 0.0

    @property
    def is_known(self) -> bool:
        """Whether the price is."""
        return self._money is not None

    @property
    def _money(self) -> float | None:
        if not self.by_image:
            return self.pricing.cost(self.asked, self.answered)
        each = self.pricing.cost_of_image(self.references)
        return None if each is None else each * self.images

    def allow(self, meter: UsageMeter) -> None:
        """Refuse the batch where the run can't pay for it.

        Raises:
            BudgetExceeded: its limits leave too little; or money is limited, and the price is unknown.
        """
        if self.by_image:
            meter.allow_money(self._money)
        else:
            meter.allow(self.asked, self.pricing, self.answered)

    def enter(self, meter: UsageMeter, usage: Mapping[str, float]) -> None:
        """Enter what one image of the batch cost.

        Args:
            meter: of the step.
            usage: ``facts["usage"]`` of its drawing.
        """
        if not self.by_image:
            meter.enter_tokens(int(usage.get("input", 0)), int(usage.get("output", 0)), self.pricing)
            return
        told = usage.get("dollars")
        meter.enter_money(self.pricing.cost_of_image(self.references) if told is None else told, self.pricing)


def cost_of_drawing(
    generator: Generator, prompt: str, references: Sequence[tuple[int, int]], n: int
) -> DrawingCost | None:
    """Return the cost of ``n`` candidates; ``None`` for a generator whose drawings are not paid for.

    Args:
        generator: draws.
        prompt: to draw.
        references: width and height of each, in pixels.
        n: candidates of the batch.
    """
    if not isinstance(generator, Charges) or not generator.charges:
        return None
    pricing = load_pricing(generator.name)
    if not generator.output_tokens or pricing.image is not None:
        return DrawingCost(0, 0, pricing, n, len(references))
    limit = limit_by_name(generator.name)
    asked = len(prompt.encode("utf-8", "replace")) // BYTES_PER_TOKEN
    asked += sum(limit.tokens(width, height) for width, height in references)
    return DrawingCost(asked * n, generator.output_tokens * n, pricing, n, len(references))
