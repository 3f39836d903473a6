"""The models that OpenAI's API lists: the loop as the server is set, in its modes, and with the parts it offers."""

from dataclasses import replace
from typing import NamedTuple

from imagerag.modes import MODES, Mode
from imagerag.server.api_error import ApiError
from imagerag.server.offers import NO_CHOICE, Offers, PartChoice
from imagerag.server.openai.schemas import MODEL, RunOptions
from imagerag.settings import OFFERED


class Meaning(NamedTuple):
    """What the name of a model stands for."""

    mode: Mode | None = None
    choice: PartChoice = NO_CHOICE

    def added_to(self, own: RunOptions) -> RunOptions:
        """Return our own settings of a request with what its model says, where they say nothing."""
        return own.model_copy(
            update={
                "mode": own.mode or self.mode,
                **{kind: getattr(own, kind) or getattr(self.choice, kind) for kind in OFFERED},
            }
        )


def models(offers: Offers) -> dict[str, Meaning]:
    """Return what clients can name as a model, and what each means."""
    named = {MODEL: Meaning()} | {f"{MODEL}:{mode}": Meaning(mode) for mode in MODES}
    for kind in OFFERED:
        for name in offers.beside_own(kind):
            named[f"{MODEL}:{kind}={name}"] = Meaning(choice=replace(NO_CHOICE, **{kind: name}))
    return named


def meaning_of(model: str | None, offers: Offers) -> Meaning:
    """Return what a model's name stands for; that of the server as it is set where there is none.

    Raises:
        ApiError: no such model.
    """
    named = models(offers)
    if model is None:
        return Meaning()
    if model not in named:
        known = ", ".join(named)
        raise ApiError(404, f"model {model[:80]!r} is not known; choose one of: {known}", "model_not_found", "model")
    return named[model]
