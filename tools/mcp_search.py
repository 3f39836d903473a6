"""The image search of a mounted MCP server as a web source: ``--library mcp`` or ``mcp:NAME``.

Which of a server's tools searches for pictures, and which of its arguments takes the words, is told by its schema: no
two servers call them the same.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from imagerag.errors import Cancelled, InvalidArgument, UserError
from imagerag.index.web.candidates import Ask, Candidate, RobotsPolicy, SourceFailed, WebQuery
from imagerag.index.web.client import SECONDS
from imagerag.net.own_thread import in_own_thread
from imagerag.settings import MCP
from imagerag.tool_registry import TOOLS
from imagerag.tools.mcp_candidates import candidates_of
from imagerag.tools.mcp_tools import named_tools, open_connection

if TYPE_CHECKING:
    from imagerag.tools.mcp_client import Connection

WORDS = (
    "query", "q", "search", "search_query", "searchquery", "search_term", "searchterm", "term", "text", "keywords",
    "keyword", "caption", "words", "description", "prompt", "input",
)  # fmt: skip
"""Names of arguments that take what is looked for, the surest first; in small letters."""
COUNTS = (
    "count", "limit", "num", "n", "k", "top_k", "max_results", "maxresults", "num_results", "numresults", "page_size",
    "pagesize", "per_page", "perpage", "number", "num_images",
)  # fmt: skip
"""Names of arguments that take how many are wanted."""
SAFE = ("safe", "safe_search", "safesearch")
SENSITIVE = ("mature", "nsfw", "include_sensitive", "include_nsfw", "adult")
STRICTEST = ("strict", "on", "high", "active", "moderate")
"""Values of ``SAFE`` where it is a choice, the strictest first."""
_OF_PICTURES = re.compile(r"image|picture|photo|artwork|illustration", re.IGNORECASE)
_OF_SEARCH = re.compile(r"search|find|look|query|browse|discover", re.IGNORECASE)


class SearchTool(NamedTuple):
    """A tool that searches.

    Attributes:
        name: as ``--mcp-allow`` has it.
        connection: to its server.
        tool: as its server describes it.
        words: the argument that takes what is looked for.
    """

    name: str
    connection: Connection
    tool: Any
    words: str

    def arguments(self, query: WebQuery) -> dict[str, Any]:
        """Return what it is asked with: the words, how many, and for safe results where it knows of those."""
        given: dict[str, Any] = {self.words: query.words}
        for name, schema in _properties(self.tool).items():
            lower = name.lower()
            if lower in COUNTS and _types(schema) & {"integer", "number"}:
                given[name] = min(query.count, int(schema.get("maximum", query.count)))
            elif lower in SENSITIVE and "boolean" in _types(schema) and query.sensitive:
                given[name] = True
            elif lower in SAFE and not query.sensitive:
                choices = [str(one) for one in schema.get("enum", ())]
                if "boolean" in _types(schema):
                    given[name] = True
                elif strict := next((one for one in STRICTEST if one in choices), ""):
                    given[name] = strict
        return given


class McpSearch:
    """See the module.

    Args:
        name: ``mcp``, or ``mcp:`` with the name of a tool or of a server.
        servers: as ``--mcp-server`` names them.
        allowed: tools that are offered elsewhere; ``mcp`` alone means one of those, where there are any.
    """

    robots: RobotsPolicy = "none"  # a server that the person has named
    most_at_once = 200

    def __init__(self, name: str, servers: Sequence[str], allowed: Sequence[str] = ()) -> None:
        self.name = name
        self._servers = tuple(servers)
        self._allowed = tuple(allowed)
        web = [server for server in servers if server.lower().startswith(("http:", "https:"))]
        self.address = web[0] if len(servers) == len(web) == 1 else ""
        """Of its server, which pictures may lie beside; of a command there is none."""
        self.address_is_set = bool(self.address)

    async def search(self, ask: Ask, query: WebQuery) -> Sequence[Candidate]:
        """See ``WebSource``; it has no pages, so that further ones are empty."""
        if query.page > 1:
            return []
        source, result = await called(self.name, self.tool, lambda found: found.arguments(query))
        return candidates_of(result, source, self.name)[: query.count]

    def tool(self) -> SearchTool:
        """Return the tool that is meant; see ``search_tool``."""
        return search_tool(self.name, self._servers, self._allowed, is_image_search, "pictures")


async def called(
    name: str, tool: Callable[[], SearchTool], arguments: Callable[[SearchTool], Mapping[str, Any]]
) -> tuple[str, Any]:
    """Return what a tool answers (``mcp.types.CallToolResult``), and as the source of that its server and name.

    Args:
        name: of the web source, for errors.
        tool: finds it; its server is started, or reached, if need be.
        arguments: with which it is called.

    Raises:
        SourceFailed: it can't be found or called, or takes too long.
    """
    stopped = threading.Event()

    def check() -> None:
        if stopped.is_set():
            raise Cancelled

    def call() -> tuple[str, Any]:
        found = tool()
        result = found.connection.call(found.tool.name, arguments(found), check=check, seconds=SECONDS)
        return f"{MCP}:{found.connection.name}/{found.tool.name}", result

    try:
        return await in_own_thread(call, "imagerag-mcp-search")
    except (UserError, InvalidArgument) as error:
        raise SourceFailed(f"the web source {name!r}: {error}", f"the web source {name!r} failed") from error
    finally:
        stopped.set()


def search_tool(
    name: str, servers: Sequence[str], allowed: Sequence[str], is_search: Callable[[Any], bool], what: str
) -> SearchTool:
    """Return the tool that is meant; its server is started, or reached, if need be.

    Args:
        name: ``mcp``, or ``mcp:`` with the name of a tool or of a server.
        servers: as ``--mcp-server`` names them.
        allowed: tools that are offered elsewhere; of several searches, one of those is meant.
        is_search: tells by a tool's description whether it searches for what is wanted.
        what: that is.

    Raises:
        UserError: a server can't be reached, no such tool is there, several are, or it needs what is not known here.
    """
    connections = [(open_connection(server), server) for server in servers]
    every = dict(named_tools(connections, frozenset(TOOLS)))
    wanted = name.partition(":")[2]
    if wanted in every:
        connection, tool = every[wanted]
        words = words_argument(tool)
        if not words:
            raise UserError(
                f"tool {wanted!r} is no search: none of its arguments takes words alone; name another one with "
                f"{MCP}:NAME, of {', '.join(sorted(every)) or 'none'}"
            )
        return SearchTool(wanted, connection, tool, words)
    of_server = {name: one for name, one in every.items() if wanted in ("", one[0].name)}
    searches = {name: one for name, one in of_server.items() if is_search(one[1])}
    searches = {name: one for name, one in searches.items() if name in allowed} or searches
    if len(searches) == 1:
        ((found, (connection, tool)),) = searches.items()
        return SearchTool(found, connection, tool, words_argument(tool))
    if searches:
        there = f"several tools search for {what}"
    else:
        there = f"no tool or server is called {wanted!r}" if wanted and not of_server else f"none searches for {what}"
    names = ", ".join(sorted(searches or every)) or "none"
    raise UserError(f"{there}; name the one that is meant with {MCP}:NAME, of {names}")


def is_image_search(tool: Any) -> bool:
    """Tell whether a tool looks for pictures by words, by what it is called and said to do."""
    about = f"{tool.name} {tool.title or ''} {tool.description or ''}"
    return bool(_OF_PICTURES.search(about) and _OF_SEARCH.search(about) and words_argument(tool))


def is_text_search(tool: Any) -> bool:
    """Tell whether a tool looks for texts by words."""
    about = f"{tool.name} {tool.title or ''} {tool.description or ''}"
    return bool(_OF_SEARCH.search(about) and not _OF_PICTURES.search(about) and words_argument(tool))


def words_argument(tool: Any) -> str:
    """Return the argument of a tool that takes what is looked for; empty where it has none, or needs more than that."""
    properties = _properties(tool)
    required = [str(name) for name in _mapping(tool.input_schema).get("required") or () if name in properties]
    texts = {name.lower(): name for name, schema in properties.items() if "string" in _types(schema)}
    named = [texts[name] for name in WORDS if name in texts]
    alone = [name for name in required if name in texts.values()]
    words = next((name for name in named if name in required), "") or (alone[0] if len(alone) == 1 else "")
    words = words or (named[0] if named else "")
    others = [name for name in required if name != words and name.lower() not in COUNTS]
    return "" if others else words


def _properties(tool: Any) -> Mapping[str, Mapping[str, Any]]:
    found = _mapping(tool.input_schema).get("properties")
    return {str(name): _mapping(schema) for name, schema in _mapping(found).items()}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _types(schema: Mapping[str, Any]) -> set[str]:
    """Return the types that a property may have, also of ``anyOf`` as pydantic writes what may be missing."""
    kinds = schema.get("type", ())
    found = {str(kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)}
    for other in schema.get("anyOf") or ():
        found |= _types(_mapping(other))
    return found
