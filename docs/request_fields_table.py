"""Prints what a request can say at each door, a part of docs/servers.md: python -m docs.request_fields_table"""

from imagerag.server.run_fields import LEFT_TO_THE_SERVER, RunFields
from imagerag.settings import DECLARED

HEAD = "| what | command line | page | OpenAI's API | MCP |\n|---|---|---|---|---|"

OWN = (
    ("the request", "words", "what is written", "`messages`, `input`, `prompt`", "`prompt`"),
    ("pictures of your own", "`--subject`", "chosen, dropped, pasted", "parts of the message, `image`", "`pictures`"),
    ("where to redraw", "`--mask`", "Paint a part", "`mask`", "`mask`"),
    ("the conversation", "`--thread`", "the one that is open", "what is sent back, `thread` of `imagerag`", "`thread`"),
    ("ask before a redraw", "`/approve` in the chat", "Settings", "no: nobody could answer", "`approve`"),
)
"""What each door has its own way for."""


def table() -> str:
    """Return the table."""
    rows = [f"| {' | '.join(row)} |" for row in OWN]
    for name in RunFields.model_fields:
        flag = "`--size`, `--aspect`" if name == "size" else f"`{DECLARED[name].flag}`"
        also = ", or of the request" if name in ("seed", "n", "size") else ""
        rows.append(f"| {name.replace('_', ' ')} | {flag} | Settings | `{name}` of `imagerag`{also} | `{name}` |")
    for name, why in LEFT_TO_THE_SERVER.items():
        rows.append(f"| {name.replace('_', ' ')} | `{DECLARED[name].flag}` | the server's: it {why} | | |")
    return "\n".join([HEAD, *rows])


if __name__ == "__main__":
    print(table())
