"""The whole loop over MCP: in one call, or started, asked after, answered and cancelled."""

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, InputRequiredResult, ToolAnnotations
from pydantic import Field

from imagerag.errors import UserError
from imagerag.server.api_error import public_words
from imagerag.server.job_queue import QueueFull
from imagerag.server.mcp import approval
from imagerag.server.mcp.approval import can_ask, take_answer
from imagerag.server.mcp.loop_arguments import loop_arguments
from imagerag.server.mcp.own_threads import own_thread
from imagerag.server.mcp.pictures import read_sent
from imagerag.server.mcp.progress import Progress, waiting, words
from imagerag.server.mcp.results import run_result
from imagerag.server.run import Run, RunRequest
from imagerag.server.run_fields import RunFields, run_request
from imagerag.server.run_summary import RunOut
from imagerag.server.service import Service

BEAT = 3.0
"""Seconds of silence after which a client is told that the run goes on; some give up after five."""
CANCEL_WAIT = 3.0
"""Seconds that cancelling waits for the end; less than the five that some clients allow a call."""
WAIT = "wait for the end so long; less than the time after which your client ends a call"
_SILENCE: Mapping[str, Any] = {"event": ""}


def add_loop(server: MCPServer[Any], service: Service, whose: Callable[[Context[Any, Any]], str]) -> None:
    """Offer the whole loop: in one call, or started, asked after and cancelled."""
    Result = Annotated[CallToolResult, RunOut]
    takes = loop_arguments(service.offers)

    def requested(
        client: str,
        prompt: str,
        thread: str = "",
        pictures: Sequence[str] = (),
        mask: str = "",
        approve: bool = False,
        **fields: Any,
    ) -> RunRequest:
        sent = read_sent(service, client, pictures, mask)
        asked = run_request(prompt, RunFields(**fields))
        return replace(asked, thread=thread, approve=approve, **sent._asdict())

    async def told(run: Run) -> CallToolResult:
        # Its images are read and its entries written: not on the event loop, where everybody would wait.
        return await asyncio.to_thread(run_result, service, run)

    def begin(ctx: Context[Any, Any], arguments: Mapping[str, Any]) -> Run:
        client = whose(ctx)

        def submit() -> Run:
            ask = requested(client, **arguments)
            named = replace(ask, thread=own_thread(client, ask.thread, ctx)) if ask.thread else ask
            return service.create(client, named)

        return admit(submit)

    async def create_image(ctx: Context[Any, Any], **arguments: Any) -> CallToolResult | InputRequiredResult:
        """Draw a picture, judge it, look up what is missing, draw again; returns the best image with its verdict.

        Takes seconds to minutes and tells its progress. Clients that end a call after 5 seconds or a minute call
        start_image instead, then get_image until it has ended. If it returns with status "asking", the person's
        word is wanted: give it with answer_image.
        """
        if ctx.request_state:  # the same call once more, with the person's answer
            run = _known(service, ctx.request_state, whose(ctx))
            take_answer(service, run, ctx)
        else:
            run = await asyncio.to_thread(begin, ctx, arguments)
        progress = Progress(service.generations(run))
        await see_through(service, run, ctx, progress)
        while run.asking is not None and can_ask(ctx):
            asked = await approval.ask(service, run, ctx)
            if isinstance(asked, InputRequiredResult):
                return asked
            if not asked:
                break
            await see_through(service, run, ctx, progress)
        return await told(run)

    async def start_image(ctx: Context[Any, Any], **arguments: Any) -> CallToolResult:
        """Begin what create_image does and return at once with a run_id; ask after it with get_image.

        For clients that end a call after 5 seconds or a minute.
        """
        return await told(await asyncio.to_thread(begin, ctx, arguments))

    _take_arguments(create_image, takes, Result | InputRequiredResult)
    _take_arguments(start_image, takes, Result)

    async def get_image(
        ctx: Context[Any, Any],
        run_id: Annotated[str, Field(description="as start_image returned it")],
        wait_seconds: Annotated[float, Field(description=WAIT, ge=0, le=50)] = 0,
    ) -> Result:
        """Tell how far a started picture has come: its place in the queue, the best image so far, or the outcome."""
        run = _known(service, run_id, whose(ctx))
        await wait_for(run, wait_seconds)
        return await told(run)

    async def cancel_image(
        ctx: Context[Any, Any], run_id: Annotated[str, Field(description="as start_image returned it")]
    ) -> Result:
        """Stop a started picture at its next denoising step; the best image made so far is kept."""
        run = _known(service, run_id, whose(ctx))
        service.cancel(run)
        await wait_for(run, CANCEL_WAIT)
        return await told(run)

    async def answer_image(
        ctx: Context[Any, Any],
        run_id: Annotated[str, Field(description="of the run whose status is asking")],
        keep: Annotated[list[str], Field(description="references to redraw with, such as ref-1; empty: no redraw")],
    ) -> Result:
        """Give the person's word on the references of a redraw that waits for it; ask the person, don't decide alone.

        References can be left out, or swapped for others that were found. Goes on at once; ask after it with get_image.
        """
        run = _known(service, run_id, whose(ctx))
        approval.answer(service, run, keep)
        return await told(run)

    for function in (create_image, start_image, answer_image):
        server.add_tool(
            function,
            title=function.__name__.replace("_", " "),
            annotations=ToolAnnotations(
                read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
            ),
        )
    server.add_tool(
        get_image, title="get image", annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False)
    )
    server.add_tool(
        cancel_image,
        title="cancel image",
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
        ),
    )


def _take_arguments(tool: Any, takes: Sequence[inspect.Parameter], result: Any) -> None:
    """Let a tool take these arguments besides the call's context: MCP reads its signature."""
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Context)
    parameters = [context, *takes]
    tool.__signature__ = inspect.Signature(parameters, return_annotation=result)
    tool.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters} | {"return": result}


def admit(submit: Callable[[], Run]) -> Run:
    try:
        return submit()
    except (QueueFull, UserError) as error:
        raise ToolError(public_words(error)) from error


def _known(service: Service, run_id: str, client: str) -> Run:
    run = service.run(run_id, client)
    if run is None:
        raise ToolError(f"run_id {run_id[:80]!r} is not a run of yours, or was long ago; call start_image")
    return run


async def see_through(service: Service, run: Run, ctx: Context[Any, Any], progress: Progress | None = None) -> None:
    """Follow a run to its end, or to where it asks the person, telling the client; stop it if the client cancels.

    Args:
        progress: what the client has been told in this call; nothing yet when ``None``.

    Raises:
        ToolError: the run failed.
    """
    progress = progress or Progress(generations=1)
    told_before = progress.heard
    again = 0

    async def tell(event: Mapping[str, Any], text: str) -> None:
        done, total = progress.after(event)
        if text:
            await ctx.report_progress(done, total, text)

    try:
        if ahead := service.position(run):
            await tell(_SILENCE, waiting(ahead))
        async for event in run.follow(BEAT):
            if event is None:
                await tell(_SILENCE, waiting(service.position(run)))
                continue
            if event["event"] not in ("progress", "preview") and again < told_before:
                again += 1  # a run tells from its beginning
                continue
            await tell(event, words(event))
            if event["event"] == "approval" and run.asking is not None:
                return
    except asyncio.CancelledError:
        service.cancel(run)
        raise
    failure = run.failure
    if failure is not None:
        raise ToolError(failure)


async def wait_for(run: Run, seconds: float) -> None:
    """Wait until a run has ended or asks the person, at most so many seconds."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def notice(event: Mapping[str, Any] | None) -> None:
        if event is None or run.asking is not None:
            loop.call_soon_threadsafe(ended.set)

    stop = run.listen(notice)
    try:
        async with asyncio.timeout(seconds):  # wait_for loses cancellations in Python 3.11
            await ended.wait()
    except TimeoutError:
        pass
    finally:
        stop()
