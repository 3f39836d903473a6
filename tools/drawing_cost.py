"""What one batch of drawings may cost at most, before it is drawn."""

from collections.abc import Sequence
from typing import NamedTuple

from imagerag.chat_models.images import limit_by_name
from imagerag.chat_models.pricing import Pricing, load_pricing
from imagerag.chat_models.token_estimate import BYTES_PER_TOKEN
from imagerag.generators.base import Charges, Generator


class DrawingCost(NamedTuple):
    """Tokens of one batch, and how they are charged.

    Attributes:
        asked, answered: tokens of the requests, and of the images at most.
        pricing: of the generator.
    """

    asked: int
    answered: int
    pricing: Pricing

    @property
    def money(self) -> float:
        """US dollars; 0 where the price is unknown."""
        return self.pricing.cost(self.asked, self.answered) or 0.0


def cost_of_drawing(
    generator: Generator, prompt: str, references: Sequence[tuple[int, int]], n: int
) -> DrawingCost | None:
    """Return the cost of ``n`` candidates; ``None`` for a generator whose drawings are not paid for by tokens.

    Args:
        generator: draws.
        prompt: to draw.
        references: width and height of each, in pixels.
        n: candidates of the batch.
    """
    if not isinstance(generator, Charges) or not generator.charges:
        return None
    limit = limit_by_name(generator.name)
    asked = len(prompt.encode("utf-8", "replace")) // BYTES_PER_TOKEN
    asked += sum(limit.tokens(width, height) for width, height in references)
    return DrawingCost(asked * n, generator.output_tokens * n, load_pricing(generator.name))
