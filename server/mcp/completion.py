"""Argument completion over MCP: threads and images of the client who asks, and of no other client."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from mcp.shared.uri_template import UriTemplate
from mcp.types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from imagerag.server.mcp.prompts import DEFAULT_THREAD, MOST, invalid
from imagerag.server.mcp.tool_server import ToolServer
from imagerag.server.service import Service

MAX_VALUES = 100
"""Values in one answer; the protocol allows no more."""
MAX_LOOKED_AT = 2000
"""A client's newest images and threads that are looked through."""

Suggest = Callable[[Service, str, str, Mapping[str, str]], list[str]]
"""Returns the values for an argument: of a client, by what was typed so far and by the arguments filled in before."""


def add_completion(server: ToolServer, service: Service) -> None:
    """Offer to complete the arguments of prompts and of resource templates."""

    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        takes = await _arguments(server, ref)
        if argument.name not in takes:
            raise invalid(f"{_named(ref)} has no argument {argument.name[:MOST]!r}; valid: {', '.join(takes)}")
        suggest = _SUGGESTED.get((_key(ref), argument.name))
        if suggest is None:
            return Completion(values=[], total=0, has_more=False)
        earlier = (context.arguments if context else None) or {}
        found = await asyncio.to_thread(suggest, service, server.asking_client(), argument.value, earlier)
        return Completion(values=found[:MAX_VALUES], total=len(found), has_more=len(found) > MAX_VALUES)

    decorator: Any = getattr(server, "completion")  # noqa: B009 - which has no types in the SDK
    decorator()(complete)


def _images(service: Service, client: str, typed: str, earlier: Mapping[str, str]) -> list[str]:
    """Ids of images, by their beginning or by what a person remembers: thread, name, words."""
    wanted = typed.strip().casefold()
    return [
        entry.id
        for entry in service.latest(client, MAX_LOOKED_AT)
        if entry.id.startswith(wanted)
        or f"{entry.thread}/{entry.name}".casefold().startswith(wanted)
        or entry.name.casefold().startswith(wanted)
        or wanted in entry.title.casefold()
    ]


def _threads(service: Service, client: str, typed: str, earlier: Mapping[str, str]) -> list[str]:
    wanted = typed.strip().casefold()
    return [name for name in service.conversations(client, MAX_LOOKED_AT) if name.casefold().startswith(wanted)]


def _names(service: Service, client: str, typed: str, earlier: Mapping[str, str]) -> list[str]:
    """Names of the images of the thread that was filled in, oldest first, without those filled in already."""
    thread = earlier.get("thread", "").strip() or DEFAULT_THREAD
    taken = {earlier.get("first"), earlier.get("second")}
    entries = service.latest(client, MAX_LOOKED_AT)
    names = [entry.name for entry in reversed(entries) if entry.thread == thread]
    return [name for name in dict.fromkeys(names) if name.startswith(typed.strip()) and name not in taken]


_SUGGESTED: dict[tuple[str, str], Suggest] = {
    ("imagerag://images/{image}", "image"): _images,
    ("imagerag://threads/{thread}", "thread"): _threads,
    ("compare", "first"): _names,
    ("compare", "second"): _names,
    ("compare", "thread"): _threads,
}


def _key(ref: PromptReference | ResourceTemplateReference) -> str:
    return ref.name if isinstance(ref, PromptReference) else ref.uri


def _named(ref: PromptReference | ResourceTemplateReference) -> str:
    return f"{'prompt' if isinstance(ref, PromptReference) else 'resource template'} {_key(ref)[:MOST]!r}"


async def _arguments(server: ToolServer, ref: PromptReference | ResourceTemplateReference) -> list[str]:
    """Return the names of the arguments of what a client refers to.

    Raises:
        MCPError: there is no such prompt or template (-32602).
    """
    known: dict[str, list[str]]
    if isinstance(ref, PromptReference):
        known = {one.name: [entry.name for entry in one.arguments or ()] for one in await server.list_prompts()}
    else:
        templates = await server.list_resource_templates()
        known = {one.uri_template: UriTemplate.parse(one.uri_template).variable_names for one in templates}
    if _key(ref) not in known:
        raise invalid(f"there is no {_named(ref)}; valid: {', '.join(known)}")
    return list(known[_key(ref)])
