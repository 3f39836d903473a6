"""One call of one of the five tools, without the loop around it: what MCP offers besides the whole run."""

import random
from typing import TYPE_CHECKING, Any, cast

from imagerag.graphs.state import Limits, Spent, State
from imagerag.picture_size import PictureSize
from imagerag.server.run import Run
from imagerag.steady_clock import steady_time

if TYPE_CHECKING:
    from imagerag.server.service import Service


def use_tool(service: "Service", run: Run, name: str, arguments: dict[str, Any]) -> None:
    """Call a tool on the images and references of the run's thread, and enter there what it makes.

    Raises:
        UserError, InvalidArgument, BudgetExceeded, Cancelled: as the tool does.
    """
    from imagerag.chat_models.usage_meter import UsageMeter, using_meter
    from imagerag.graphs.budget import loading_account, merge_limits, nothing_spent, stop_check
    from imagerag.graphs.conversation import timeline_with
    from imagerag.tools.session import ToolSession, using_session

    assert run.job is not None
    state = service.threads.state(run.client, run.thread)
    images = {record["id"]: record for record in state.get("all_images", ())}
    if not state.get("turn"):  # as a run tells them when it begins
        for text in service.components.settings.notes:
            run.tell({"event": "note", "text": text})
    about = images.get(arguments.get("image_id") or "")
    limits: Limits = merge_limits(service.settings)
    spent: Spent = nothing_spent(steady_time())
    seed = state.get("run_seed")
    size = state.get("run_size")
    check = stop_check(limits, spent, run.job.cancelled)
    session = ToolSession(
        service.components,
        images=images,
        references={record["id"]: record for record in state.get("all_references", ())},
        prompt=about["prompt"] if about else state.get("prompt", ""),
        seed=random.SystemRandom().randrange(2**32) if seed is None else seed,
        n=service.settings.n,
        batch=service.settings.batch,
        fast=service.settings.fast,
        size=PictureSize.parse(size) if size else service.settings.picture_size,
        negative=state.get("run_negative") or service.settings.negative or "",
        turn=state.get("turn", 0) + 1,
        check=check,
        emit=run.tell,
    )
    call = {"name": name, "args": arguments, "id": run.id, "type": "tool_call"}
    with (
        using_session(session),
        using_meter(UsageMeter(check=check, **loading_account(limits, spent, run.job.cancelled))),
    ):  # models that it loads or asks look there, too
        message = service.tools[name].invoke(call)
    if session.made_images or session.made_references:
        update: dict[str, Any] = {"all_images": session.made_images, "all_references": session.made_references}
        if session.made_images:
            update |= {"turn": session.turn, "prompt": arguments["prompt"], "run_seed": session.seed}
            # What the tool returned is what the client has seen last.
            update |= timeline_with(cast(State, state), session.made_images[0], "done")
        config = service.graph.update_state(service.threads.config(run.client, run.thread), update, as_node="finish")
        run.checkpoint = config["configurable"].get("checkpoint_id")
    run.value = message
