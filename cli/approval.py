"""A person's word on the references of a redraw, in the terminal: keep, reject some, swap one for another."""

from collections.abc import Mapping
from typing import Any

from imagerag.attribution import credit_of
from imagerag.cli.terminal import printable
from imagerag.errors import UserError

HOW = "keep, reject N ..., swap N M, or none: no redraw"


class Approval:
    """The references of one redraw, while the person changes them.

    Args:
        event: the ``approval`` event: ``chosen`` ids, the ``references`` to choose from, and the ``most`` to draw with.

    Attributes:
        chosen: ids of those to redraw with, as it stands.
    """

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.chosen: list[str] = list(event["chosen"])
        self._known = {record["id"]: record for record in event["references"]}

    def lines(self) -> list[str]:
        """Return what to show: those chosen, the others, and what can be said."""
        lines = [f"  redraw with {', '.join(self.chosen)}?"]
        for name, record in self._known.items():
            mark = "*" if name in self.chosen else " "
            what = f"{printable(record['title'])} for {printable(record['concept'])}"
            lines.append(f"  {mark} {name}  {what}, {printable(credit_of(record))}")
        return [*lines, f"  {HOW}"]

    def take(self, line: str) -> bool:
        """Change what is chosen as a line says, and tell whether that is the last word; nothing chosen: no redraw.

        Raises:
            UserError: the line says nothing of the kind, or names no reference.
        """
        word, *names = line.lower().replace(",", " ").split() or [""]
        ids = [self._id(name) for name in names]
        if word in ("keep", "k", "y", "yes") and not ids:
            return True
        if word in ("none", "no", "n") and not ids:
            self.chosen = []
            return True
        if word in ("reject", "r"):
            for name in ids:
                self._is_chosen(name)
            self.chosen = [name for name in self.chosen if ids and name not in ids]
            return not self.chosen
        if word in ("swap", "s") and len(ids) == 2:
            self._is_chosen(ids[0])
            if ids[1] in self.chosen:
                raise UserError(f"{ids[1]!r} is among them already; swap for another one")
            self.chosen[self.chosen.index(ids[0])] = ids[1]
            return False
        raise UserError(f"{line!r} is no answer; say {HOW}")

    def _id(self, name: str) -> str:
        full = f"ref-{name}" if name.isdigit() else name
        if full not in self._known:
            raise UserError(f"{name!r} is not among the references found; valid: {', '.join(self._known)}")
        return full

    def _is_chosen(self, name: str) -> None:
        if name not in self.chosen:
            raise UserError(f"{name!r} is not among {', '.join(self.chosen)}")
