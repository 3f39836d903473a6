"""What every client may say of a run, whatever its door: each field once, from which each door has its form."""

from typing import Any

from pydantic import BaseModel, Field

from imagerag.graphs.state import Limits
from imagerag.modes import Mode
from imagerag.server.offers import PartChoice
from imagerag.server.run import RunRequest
from imagerag.settings import DECLARED, LONGEST_NEGATIVE

LEFT_TO_THE_SERVER = {
    "vlm_text_only": "says what its model can do",
    "image_size": "belongs to its model",
    "batch": "is a matter of its memory",
    "max_loading_seconds": "is about its models, which it loads once for all",
    "lookup_floor": "belongs to its library",
    "lookup_diverse": "belongs to its library",
    "rerank": "needs a model of its own",
    "isolation": "belongs to its generator",
    "isolation_by": "needs a model of its own",
}
"""Settings that no client chooses though they name neither a place nor a part of the server, and why not. ``aspect`` is
said by ``size``."""
LONGEST_NAME = 300
"""Characters of the name of a part."""


def _limit(name: str) -> Any:
    """Return the field of a limit, with the range of its setting."""
    declared = DECLARED[name]
    range_of: dict[str, Any] = {"ge": declared.low, "le": declared.high, "gt": declared.above}
    text = f"{declared.help}; never more than this server allows"
    return Field(default=None, description=text, **{key: value for key, value in range_of.items() if value is not None})


class RunFields(BaseModel):
    """What of a run's settings a client may choose; what is left out is the conversation's, or else the server's."""

    profile: str = Field(
        default="",
        max_length=LONGEST_NAME,
        description="one that this server offers; a conversation keeps that of its first turn",
    )
    generator: str = Field(default="", max_length=LONGEST_NAME, description="one that this server offers")
    critic: str = Field(default="", max_length=LONGEST_NAME, description="one that this server offers")
    mode: Mode | None = Field(default=None, description=DECLARED["mode"].help)
    seed: int | None = Field(default=None, ge=0, le=2**32 - 1, description="0..4294967295; leave out for a new one")
    n: int | None = Field(default=None, ge=1, le=16, description="candidates per drawing; the critic picks")
    size: str = Field(default="", max_length=16, description="WIDTHxHEIGHT in pixels, or an aspect ratio such as 16:9")
    negative: str | None = Field(
        default=None, max_length=LONGEST_NEGATIVE, description="what the images must not show, separated by commas"
    )
    max_steps: int | None = _limit("max_steps")
    max_generations: int | None = _limit("max_generations")
    max_seconds: float | None = _limit("max_seconds")
    max_tokens: int | None = _limit("max_tokens")
    max_money: float | None = _limit("max_money")

    def limits(self) -> Limits:
        """Return the limits among them."""
        given = {name: getattr(self, name) for name in Limits.__annotations__ if name in type(self).model_fields}
        limits: Any = {name: value for name, value in given.items() if value is not None}
        return limits  # type: ignore[no-any-return]

    def choice(self) -> PartChoice:
        """Return the parts among them."""
        return PartChoice(self.profile, self.generator, self.critic)


def run_request(prompt: str, fields: RunFields) -> RunRequest:
    """Return the request for a run with these fields."""
    return RunRequest(
        prompt,
        seed=fields.seed,
        n=fields.n,
        mode=fields.mode,
        limits=fields.limits(),
        negative=fields.negative,
        size=fields.size,
        choice=fields.choice(),
    )
