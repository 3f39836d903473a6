"""Tasks of MCP 2025-11-25: ``create_image`` answered at once, then asked after, waited for and cancelled.

A task is a run, and has its id. The SDK leaves tasks out ("deliberately absent"), so what the protocol says of them is
written here, in the form in which it travels.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import INVALID_PARAMS, METHOD_NOT_FOUND

from imagerag.server.mcp.results import run_result
from imagerag.server.mcp.run_tools import BEAT, CANCEL_WAIT, wait_for
from imagerag.server.mcp.tool_server import ToolServer
from imagerag.server.run import Run, RunStatus
from imagerag.server.run_registry import MAX_RUNS
from imagerag.server.service import Service

VERSION = "2025-11-25"
"""The only version of the protocol that has them."""
TOOL, BEGINS = "create_image", "start_image"
"""The tool that can be called as a task, and the one that begins what it does."""
RELATED = "io.modelcontextprotocol/related-task"
"""Key of a result's ``_meta`` that names the task it is of."""
POLL = 1000
"""Milliseconds after which a client may ask again."""
STATUS: Mapping[RunStatus, str] = {
    "queued": "working",
    "running": "working",
    "stopping": "cancelled",
    "asking": "input_required",
    "done": "completed",
    "cancelled": "cancelled",
    "failed": "failed",
}
ENDED = frozenset({"completed", "cancelled", "failed"})
SAID: Mapping[str, str] = {
    "input_required": "waits for the person's word on a redraw: give it with the tool answer_image",
}


@dataclass
class _Task:
    """What is remembered of a task besides its run.

    Attributes:
        created, updated: when it was made, and when its status changed last (ISO 8601).
        status: the last that was told; a cancelled one stays so.
    """

    created: str
    updated: str
    status: str = "working"


class Tasks:
    """Answers what has to do with tasks, as middleware; everything else goes by.

    Args:
        server: whose tools are called, and who knows whose a request is.
        service: the engine.
    """

    def __init__(self, server: ToolServer, service: Service) -> None:
        self._server = server
        self._service = service
        self._tasks: OrderedDict[str, _Task] = OrderedDict()

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Answer a request, or pass it on.

        Raises:
            MCPError: no such task, one that has ended cannot be cancelled, or a tool that takes no tasks.
        """
        params = ctx.params or {}
        if ctx.method == "initialize":
            return _with_capability(await call_next(ctx))
        if ctx.protocol_version != VERSION:
            return await call_next(ctx)
        if ctx.method == "tools/list":
            return _with_support(await call_next(ctx))
        if ctx.method == "tools/call" and params.get("task") is not None:
            return await self._begin(ctx, params, call_next)
        if ctx.method == "tasks/list":
            return {"tasks": [self._told(run) for run in self._own()]}
        if ctx.method in ("tasks/get", "tasks/result", "tasks/cancel"):
            run = self._run(params)
            if ctx.method == "tasks/get":
                return self._told(run)
            return await (self._result(run) if ctx.method == "tasks/result" else self._cancel(run))
        return await call_next(ctx)

    async def _begin(
        self, ctx: ServerRequestContext[Any, Any], params: Mapping[str, Any], call_next: CallNext
    ) -> HandlerResult:
        name = params.get("name")
        if name != TOOL:
            raise MCPError(METHOD_NOT_FOUND, f"tool {str(name)[:80]!r} can't be called as a task; only {TOOL} can")
        rest = {key: value for key, value in params.items() if key not in ("task", "_meta")}
        begun: Any = await call_next(replace(ctx, params={**rest, "name": BEGINS}))
        if begun.get("isError"):
            said = " ".join(str(part.get("text", "")) for part in begun.get("content", ()))
            raise MCPError(INVALID_PARAMS, said.replace(BEGINS, TOOL))
        now = _now()
        run_id = begun["structuredContent"]["run_id"]
        self._tasks[run_id] = _Task(now, now)
        while len(self._tasks) > MAX_RUNS:
            self._tasks.popitem(last=False)
        return {"task": self._told(self._run({"taskId": run_id}))}

    async def _result(self, run: Run) -> HandlerResult:
        async for _ in run.follow(BEAT):
            pass
        # Its images are read and its entries written: not on the event loop, where everybody would wait.
        result = await asyncio.to_thread(run_result, self._service, run)
        told = result.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {**told, "_meta": {**told.get("_meta", {}), RELATED: {"taskId": run.id}}}

    async def _cancel(self, run: Run) -> HandlerResult:
        status = self._told(run)["status"]
        if status in ENDED:
            raise MCPError(INVALID_PARAMS, f"task {run.id!r} has ended ({status}), so it can't be cancelled")
        self._service.cancel(run)
        await wait_for(run, CANCEL_WAIT)
        self._tasks[run.id].status, self._tasks[run.id].updated = "cancelled", _now()
        return self._told(run)

    def _own(self) -> list[Run]:
        client = self._server.asking_client()
        found = [self._service.run(name, client) for name in self._tasks]
        return [run for run in found if run is not None]

    def _run(self, params: Mapping[str, Any]) -> Run:
        name = str(params.get("taskId", ""))
        run = self._service.run(name, self._server.asking_client()) if name in self._tasks else None
        if run is None:
            raise MCPError(INVALID_PARAMS, f"task {name[:80]!r} is none of yours, or was long ago")
        return run

    def _told(self, run: Run) -> dict[str, Any]:
        task = self._tasks[run.id]
        status = STATUS[run.status]
        if task.status != "cancelled" and status != task.status:
            task.status, task.updated = status, _now()
        said = run.failure if task.status == "failed" else SAID.get(task.status)
        return {
            "taskId": run.id,
            "status": task.status,
            **({"statusMessage": said} if said else {}),
            "createdAt": task.created,
            "lastUpdatedAt": task.updated,
            "ttl": None,
            "pollInterval": POLL,
        }


def _with_capability(result: HandlerResult) -> HandlerResult:
    if isinstance(result, dict) and result.get("protocolVersion") == VERSION:
        offered: dict[str, Any] = {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}}
        return {**result, "capabilities": {**result["capabilities"], "tasks": offered}}
    return result


def _with_support(result: HandlerResult) -> HandlerResult:
    if not isinstance(result, dict):
        return result
    tools = [
        {**tool, "execution": {"taskSupport": "optional"}} if tool["name"] == TOOL else tool for tool in result["tools"]
    ]
    return {**result, "tools": tools}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
