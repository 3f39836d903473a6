"""What people call their conversations, and which of them they have marked as favourites."""

from dataclasses import dataclass

from imagerag.errors import UserError
from imagerag.server.database import ANONYMOUS
from imagerag.server.database_file import DatabaseFile

LONGEST_TITLE = 120
"""Characters of a title."""


@dataclass(frozen=True)
class LabelledThread:
    """A conversation as a list shows it.

    Attributes:
        thread: its name, by which it is gone on with.
        title: what the person calls it, or else what was first drawn in it.
        favourite: it comes before the others.
    """

    thread: str
    title: str
    favourite: bool


class ThreadLabels:
    """The titles and favourites of all clients.

    Args:
        file: the servers' database.
    """

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file

    def listed(self, client: str, words: str = "", limit: int = 100) -> list[LabelledThread]:
        """Return a client's conversations: favourites first, then the one last drawn in; none of those of clients who
        can't be told apart.

        Args:
            client: whose they are.
            words: each of which stands in the title, or in what one of the images shows; all conversations if empty.
            limit: the most conversations.
        """
        if client == ANONYMOUS:
            return []
        query = (
            "SELECT entries.thread, coalesce(labels.title, ''), coalesce(labels.favourite, 0), "
            "(SELECT title FROM entries AS first WHERE first.client = entries.client AND "
            "first.thread = entries.thread AND first.kind = 'image' ORDER BY rowid LIMIT 1), "
            "group_concat(entries.title, ' ') FROM entries LEFT JOIN labels "
            "ON labels.client = entries.client AND labels.thread = entries.thread "
            "WHERE entries.client = ? AND entries.thread != '' AND entries.kind = 'image' "
            "GROUP BY entries.thread ORDER BY coalesce(labels.favourite, 0) DESC, max(entries.rowid) DESC"
        )
        wanted = words.casefold().split()
        found: list[LabelledThread] = []
        for thread, title, favourite, first, shown in self._file.rows(query, (client,)):
            text = f"{title} {shown}".casefold()
            if all(word in text for word in wanted) and len(found) < limit:
                found.append(LabelledThread(str(thread), str(title or first), bool(favourite)))
        return found

    def title(self, client: str, thread: str) -> str:
        """Return what a client's conversation is called, as a list shows it; empty where nothing was drawn in it."""
        query = (
            "SELECT coalesce(nullif(labels.title, ''), entries.title) FROM entries LEFT JOIN labels "
            "ON labels.client = entries.client AND labels.thread = entries.thread "
            "WHERE entries.client = ? AND entries.thread = ? AND entries.kind = 'image' ORDER BY entries.rowid LIMIT 1"
        )
        return next((str(title) for (title,) in self._file.rows(query, (client, thread))), "")

    def change(self, client: str, thread: str, title: str | None = None, favourite: bool | None = None) -> None:
        """Give a conversation another title, mark it as a favourite, or both; ``None`` leaves what there is.

        An empty title is the first image's again.

        Raises:
            UserError: the title is longer than ``LONGEST_TITLE``.
        """
        if title is not None:
            title = " ".join(title.split())
            if len(title) > LONGEST_TITLE:
                raise UserError(
                    f"the title {title[:40]!r}... has {len(title)} characters; give at most {LONGEST_TITLE}"
                )
        query = "SELECT title, favourite FROM labels WHERE client = ? AND thread = ?"
        before, marked = next(iter(self._file.rows(query, (client, thread))), ("", 0))
        row = (client, thread, before if title is None else title, marked if favourite is None else int(favourite))
        self._file.change(
            ("DELETE FROM labels WHERE client = ? AND thread = ?", (client, thread)),
            ("INSERT INTO labels (client, thread, title, favourite) VALUES (?, ?, ?, ?)", row),
        )
