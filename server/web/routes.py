"""The browser's interface: one page, and the small API that it asks."""

import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import anyio
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from imagerag.credentials import without_credentials
from imagerag.errors import InvalidArgument, UserError
from imagerag.graphs.nodes.finish import why_ended
from imagerag.graphs.state import RedrawRecord
from imagerag.graphs.state_queries import part_redrawn
from imagerag.picture_size import PARTS, SIDES
from imagerag.server.api_error import ApiError, refusal
from imagerag.server.auth import COOKIE, ELSEWHERE, Authenticator, GuessedTooOften, host_of
from imagerag.server.database import Entry
from imagerag.server.downloads import as_file
from imagerag.server.job_queue import QueueFull
from imagerag.server.off_loop import on_pictures
from imagerag.server.offers import shown_name
from imagerag.server.openai.base import client_of, parsed_body
from imagerag.server.run import Run
from imagerag.server.run_fields import RunFields, run_request
from imagerag.server.run_summary import run_out
from imagerag.server.service import Service
from imagerag.server.thread_history import thread_name
from imagerag.server.uploads import MAX_PICTURES, uploaded
from imagerag.server.web.conversation_routes import ConversationRoutes
from imagerag.server.web.drawn_again import DrawnBefore
from imagerag.server.web.page_files import MODULES, page_file
from imagerag.server.web.told_again import event_out, image_path, is_plain, sent_along
from imagerag.settings import LONGEST_NEGATIVE, OFFERED
from imagerag.store.file_errors import file_error
from imagerag.tools.builtin import MAX_PROMPT

AGAIN = '<!doctype html><meta http-equiv="refresh" content="0"><title>imagerag</title><a href="/">imagerag</a>'
"""A refresh comes from this very page, and brings the cookie along."""
YEAR = 365 * 24 * 3600
LOOK = 0.3
"""Seconds between two looks at the queue for a page whose turn has not come."""


class TurnRequest(RunFields):
    """What the page asks for."""

    prompt: str = ""
    again: str = ""
    """The id of an image that is drawn once more, instead of a prompt: its prompt with its subjects, and its size and
    what it was not to show where no other is asked for."""
    thread: str = ""
    before: int | None = Field(default=None, ge=1)
    """The turn in whose place it comes: a copy of the conversation as it was before that turn goes on from there."""
    pictures: list[str] = Field(default=[], max_length=MAX_PICTURES)
    mask: str = ""
    """The id of an uploaded picture that marks where to redraw."""
    masked: str = ""
    """The id of the image that the mask is for."""
    mask_of: int | None = Field(default=None, ge=1)
    """The turn of which the part is redrawn that its request redrew; ``mask`` goes before."""
    approve: bool = False


class Decision(BaseModel):
    """The person's word on a redraw."""

    choice: str = Field(pattern="edit|reject")
    references: list[str] = []


@dataclass(frozen=True)
class WebApi:
    """The page and its API over a service."""

    service: Service
    authenticator: Authenticator

    def routes(self) -> list[Route]:
        """Return the routes of the application."""
        return [
            Route("/", self.page),
            Route("/page.css", self.asset),
            Route("/page.js", self.asset),
            Route("/page/{name}", self.module),
            Route("/login", self.login, methods=["GET", "POST"]),
            *ConversationRoutes(self.service).routes(),
            Route("/web/server", self.server),
            Route("/web/runs", self.begin, methods=["POST"]),
            Route("/web/runs/{run}/events", self.events),
            Route("/web/runs/{run}/cancel", self.cancel, methods=["POST"]),
            Route("/web/runs/{run}/decision", self.decision, methods=["POST"]),
            Route("/web/report/{image}", self.report),
            Route("/web/manifest/{image}", self.manifest),
        ]

    async def page(self, request: Request) -> Response:
        """Send the page; a browser that comes without a cookie gets one, and is a client of its own by it.

        One that follows a link on another site sends no cookie though it may have one, so it is given none: a page
        that was opened so loads itself once more, from here.
        """
        if COOKIE not in request.cookies and request.headers.get("sec-fetch-site") in ELSEWHERE:
            return Response(AGAIN, media_type="text/html", headers={"cache-control": "no-store"})
        if self._client(request.headers, request) is None:
            return RedirectResponse("/login", 303)
        answer = await page_file("index.html")
        if COOKIE not in request.cookies:
            self._remember(request, answer, secrets.token_urlsafe(24))
        return answer

    def _client(self, headers: Mapping[str, str], request: Request) -> str | None:
        """Return who comes with these headers; wrong tokens count, since what is answered tells them from right ones.

        Raises:
            ApiError: too many came from that address.
        """
        try:
            return self.authenticator.client(headers, host_of(request.scope))
        except GuessedTooOften as error:
            wait = {"Retry-After": str(error.wait)}
            raise ApiError(429, str(error), "too_many_wrong_tokens", headers=wait) from error

    async def asset(self, request: Request) -> Response:
        """Send the page's script or style sheet."""
        return await page_file(request.url.path.lstrip("/"))

    async def module(self, request: Request) -> Response:
        """Send one of the script's modules."""
        name = request.path_params["name"]
        if name not in MODULES:
            raise ApiError(404, f"the page has no module {name[:80]!r}", "not_found")
        return await page_file(name)

    async def login(self, request: Request) -> Response:
        """Take a token in, and keep it in a cookie that no script can read."""
        if request.method == "GET":
            return await page_file("login.html")
        token = str((await request.form(max_part_size=4096)).get("token", ""))
        client = self._client({"authorization": f"Bearer {token}"}, request)
        if client is None or not token:  # without one, the browser would be nobody, and be shown no list
            answer = await page_file("login.html")
            answer.status_code = 401
            return answer
        welcome = RedirectResponse("/", 303)
        self._remember(request, welcome, token)
        return welcome

    async def server(self, request: Request) -> Response:
        """Tell what this server draws and judges with."""
        offers = {kind: self.service.offers.names(kind) for kind in OFFERED}
        redraws = self.service.parts.may_redraw
        sizes = {"sides": SIDES, "parts": PARTS}
        vlm = shown_name(self.service.settings.vlm)
        most = {"pictures": MAX_PICTURES, "characters": MAX_PROMPT, "negative": LONGEST_NEGATIVE}
        return JSONResponse({"vlm": vlm, "offers": offers, "masks": redraws, "sizes": sizes, **most})

    async def begin(self, request: Request) -> Response:
        """Queue a run."""
        wanted = await parsed_body(request, TurnRequest)
        client = client_of(request)
        pictures = [await on_pictures(self._uploaded_file, client, one) for one in wanted.pictures]
        prompt = wanted.prompt
        shown: list[str] = []
        again: RedrawRecord | None = None
        if wanted.again:
            before, shown = await on_pictures(self._drawn_before, client, wanted.again)
            prompt, wanted = before.prompt, wanted.model_copy(update=before.fields(wanted))
            pictures += [await on_pictures(self.service.store.data, one["sha256"]) for one in before.subjects]
            again = before.redrawn
        masking = await on_pictures(self._masking, client, wanted, again)
        thread = wanted.thread
        if wanted.before is not None:
            thread = await anyio.to_thread.run_sync(self._branch, client, wanted.thread, wanted.before)
        ask = replace(run_request(prompt, wanted), pictures=tuple(pictures), thread=thread, approve=wanted.approve)
        ask = replace(ask, **masking)
        try:
            run = await anyio.to_thread.run_sync(self.service.create, client, ask)
        except QueueFull as busy:
            headers = {"Retry-After": str(busy.retry_after)}
            raise ApiError(429, str(busy), "server_busy", headers=headers) from busy
        except UserError as error:
            raise refusal(error) from error
        told = {"run_id": run.id, "thread": run.thread, "request": prompt, "pictures": shown, "negative": ask.negative}
        return JSONResponse({**told, "position": self.service.position(run)})

    async def events(self, request: Request) -> Response:
        """Tell a run from its beginning, as server-sent events; hanging up does not stop it."""
        run = self._run(request)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(self._events(run), media_type="text/event-stream", headers=headers)

    async def cancel(self, request: Request) -> Response:
        """Stop a run."""
        run = self._run(request)
        try:
            await anyio.to_thread.run_sync(self.service.cancel, run)
        except QueueFull as busy:
            raise ApiError(429, str(busy), "server_busy") from busy
        return JSONResponse({"status": run.status})

    async def decision(self, request: Request) -> Response:
        """Go on with a run that asks about its redraw."""
        run = self._run(request)
        word = await parsed_body(request, Decision)
        try:
            self.service.decide(run, word.references if word.choice == "edit" and word.references else None)
        except QueueFull as busy:
            raise ApiError(429, str(busy), "server_busy") from busy
        except InvalidArgument as error:
            raise ApiError(409, str(error), "not_asking") from error
        return JSONResponse({"status": run.status})

    async def report(self, request: Request) -> Response:
        """Send the HTML report of the run that made an image."""
        entry = await self._entry(request)
        page = await anyio.to_thread.run_sync(self._report, entry)
        return Response(page, media_type="text/html", headers=as_file(f"{entry.thread}-{entry.name}.html"))

    async def manifest(self, request: Request) -> Response:
        """Send the manifest of an image."""
        entry = await self._entry(request)
        if entry.kind != "image":
            raise ApiError(404, "there is no manifest of that", "not_found")
        text = await anyio.to_thread.run_sync(lambda: self.service.manifest(entry).text())
        return Response(text, media_type="application/json", headers=as_file(f"{entry.thread}-{entry.name}.json"))

    async def _events(self, run: Run) -> AsyncIterator[str]:
        events = run.follow(LOOK)
        position, told = -1, time.monotonic()
        async for event in events:
            if event is None:
                now = self.service.position(run)
                if run.status == "queued" and now != position:
                    position, told = now, time.monotonic()
                    yield _sent({"event": "queued", "position": now})
                elif time.monotonic() - told > 15:
                    told = time.monotonic()
                    yield ": still here\n\n"
                continue
            told = time.monotonic()
            if is_plain(event):  # a step: a change of threads takes longer than it
                yield _sent(event)
                continue
            yield _sent(
                await anyio.to_thread.run_sync(event_out, self.service, run.client, run.thread, event, run.checkpoint)
            )
        outcome = await anyio.to_thread.run_sync(run_out, self.service, run, image_path)
        along = await anyio.to_thread.run_sync(sent_along, self.service, run.client, run.thread, run.turn)
        title = await anyio.to_thread.run_sync(self.service.labels.title, run.client, run.thread)
        along |= {"turn": run.turn, "title": title}
        yield _sent({"event": "end", "run": outcome.model_dump(mode="json"), **along})

    def _report(self, entry: Entry) -> str:
        from imagerag.report.html import render_page
        from imagerag.report.json_document import About, document_of

        state: Any = self.service.threads.state(entry.client, entry.thread, entry.checkpoint)
        if not state.get("stop_reason"):
            raise ApiError(404, "there is no report of that image", "not_found")
        settings = self.service.settings
        run_log = self.service.database.told(entry.client, entry.thread).get(state["turn"])
        events = run_log.told["events"] if run_log else []
        parts = run_log.told.get("parts", {}) if run_log else {}
        about: About = {
            "pipeline": "agent",
            "profile": state.get("profile") or settings.profile,
            "generator": parts.get("generator") or without_credentials(settings.generator),
            "vlm": without_credentials(settings.vlm),
            "critic": parts.get("critic") or without_credentials(settings.critic),
            "thread_id": entry.thread,
            "notes": [event["text"] for event in events if event["event"] == "note"],
            "stop_detail": why_ended(state["stop_reason"], state["trace"]),
        }
        try:
            return render_page(document_of(state, about))
        except OSError as error:  # an image of it is gone
            raise file_error(error.filename, error, verb="read") from error

    def _drawn_before(self, client: str, image: str) -> tuple[DrawnBefore, list[str]]:
        """Return how an image of the client's was drawn, and where its page finds the pictures that were drawn with."""
        entry = self._find_image(client, image, "again")
        before = DrawnBefore.of(self.service, entry)
        entries = self.service.database.enter(client, entry.thread, before.subjects)
        return before, [image_path(entries[one["id"]].id) for one in before.subjects]

    def _find_image(self, client: str, image: str, field: str) -> Entry:
        entry = self.service.database.find(image, client)
        if entry is None or entry.kind != "image":
            raise ApiError(404, f"{image[:80]!r} is not an image of yours", "not_found", field)
        return entry

    def _branch(self, client: str, thread: str, turn: int) -> str:
        name = thread_name("", client)
        try:
            self.service.threads.branch_before(client, thread, name, turn)
        except UserError as error:
            raise refusal(error, param="before") from error
        return name

    def _masking(self, client: str, wanted: TurnRequest, again: RedrawRecord | None) -> dict[str, Any]:
        """Return where of which image a request redraws a part, for a ``RunRequest``; empty for whole images.

        Args:
            client: whose request it is.
            wanted: what is asked for.
            again: the part that an image to be drawn once more is of.
        """
        if wanted.mask:
            image = self._find_image(client, wanted.masked, "masked").sha256 if wanted.masked else ""
            return {"mask": self._uploaded_file(client, wanted.mask), "masked": image}
        if wanted.mask_of is not None:
            again = part_redrawn(self.service.threads.state(client, wanted.thread), wanted.mask_of)
            if again is None:
                raise ApiError(
                    400, f"request {wanted.mask_of} redrew no part of an image; send a mask", "no_mask", "mask_of"
                )
        if again is None:
            return {}
        return {"mask": self.service.store.data(again["mask"]), "masked": again["image"]}

    def _uploaded_file(self, client: str, file_id: str) -> bytes:
        return self.service.file(uploaded(self.service, client, file_id))

    def _run(self, request: Request) -> Run:
        run = self.service.run(request.path_params["run"], client_of(request))
        if run is None:
            raise ApiError(404, "that is not a run of yours", "not_found")
        return run

    async def _entry(self, request: Request) -> Entry:
        image, client = request.path_params["image"], client_of(request)
        entry = await anyio.to_thread.run_sync(self.service.database.find, image, client)
        if entry is None:
            raise ApiError(404, "that is not an image of yours", "not_found")
        return entry

    @staticmethod
    def _remember(request: Request, answer: Response, value: str) -> None:
        secure = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
        answer.set_cookie(COOKIE, value, max_age=YEAR, httponly=True, samesite="strict", secure=secure)


def _sent(event: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(event)}\n\n"
