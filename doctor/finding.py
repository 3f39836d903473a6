"""What one check found, and its one line."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from imagerag.errors import UserError

Status = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        area: what was checked, in a word: ``profile``, ``device``, ``weights``, ``keys`` ...
        status: ``wrong`` where a run would fail or leave a part out, ``warning`` where it would be slower or worse.
        text: one line.
        mend: the command or the act that mends it; empty where nothing is amiss.
    """

    area: str
    status: Status
    text: str
    mend: str = ""

    @property
    def line(self) -> str:
        """The finding as it is printed."""
        mend = f"; mend: {self.mend}" if self.mend else ""
        return f"{self.status:<8} {self.area}: {self.text}{mend}"

    @property
    def document(self) -> dict[str, Any]:
        """The finding as ``--json`` has it."""
        return asdict(self)


def ok(area: str, text: str) -> Finding:
    """Return the finding that nothing is amiss."""
    return Finding(area, "ok", text)


def warning(area: str, text: str, mend: str) -> Finding:
    """Return a finding with which a run goes on."""
    return Finding(area, "warning", text, mend)


def wrong(area: str, text: str, mend: str) -> Finding:
    """Return a finding with which a run fails, or a part of it does nothing."""
    return Finding(area, "wrong", text, mend)


def of_error(area: str, error: UserError) -> Finding:
    """Return an error for the person as a finding: what it says before its last semicolon, and the way out after."""
    line = " ".join(str(error).split())
    text, semicolon, mend = line.rpartition("; ")
    return wrong(area, text, mend) if semicolon else wrong(area, line, "as it says")
