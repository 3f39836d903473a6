"""The page on which a person says which of two images is better: for this machine alone, at an address with a token."""

from __future__ import annotations

import contextlib
import hmac
import secrets
import sys
import threading
import warnings
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import Literal, cast

import anyio
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from imagerag.errors import UserError
from imagerag.evaluation.labels import Label, LabelFile, Pair, fingerprint, open_pairs, pairs_of
from imagerag.evaluation.preferences import Preferences, preferences_of
from imagerag.evaluation.run_folder import Key, Run, read_run
from imagerag.regular_files import open_regular
from imagerag.server.api_error import ApiError
from imagerag.server.app import listen, say_where, serve
from imagerag.server.auth import Authenticator, AuthMiddleware
from imagerag.store.files import is_address
from imagerag.store.picture_decoding import MAX_PIXELS
from imagerag.store.png import encode_png

HOST = "127.0.0.1"
FILES = {"": "index.html", "label.css": "label.css", "label.js": "label.js"}
_READING = threading.Lock()
"""One image at a time, so that memory stays bounded."""
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",  # it has the token
    "cache-control": "no-store",
}


class Answer(BaseModel):
    """What the page sends."""

    model_config = ConfigDict(extra="forbid")

    id: str
    choice: Literal["left", "right", "same"]


@dataclass
class Session:
    """One person's labelling.

    Attributes:
        run: whose images are shown.
        pairs: to ask about, in their order.
        file: of the answers.
        by: who answers; "" without a name.
    """

    run: Run
    pairs: Sequence[Pair]
    file: LabelFile
    by: str = ""
    _given: list[str] = field(default_factory=list)
    """Ids of what was answered in this session, for going back."""
    _again: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def by_id(self) -> dict[str, Pair]:
        """The pairs by what names them to the browser."""
        return {fingerprint(pair): pair for pair in self.pairs}

    def state(self) -> dict[str, object]:
        """Return what the page shows next."""
        left = open_pairs(self.pairs, self.file.labels, self.by)
        name = self._again or (fingerprint(left[0]) if left else "")
        shown = {"id": name, "prompt": self.run.prompts[self.by_id[name].prompt].text} if name else None
        answered = len(self.pairs) - len(left)
        return {"pair": shown, "answered": answered, "total": len(self.pairs), "can_go_back": bool(self._given)}

    def answer(self, answer: Answer) -> None:
        """Keep an answer.

        Raises:
            ApiError: there is no such pair.
            UserError: it can't be written.
        """
        pair = self._pair(answer.id)
        with self._lock:
            self.file.add(Label(pair.prompt, pair.seed, pair.left, pair.right, answer.choice, self.by))
            self._again = ""
            self._given = [name for name in self._given if name != answer.id] + [answer.id]

    def back(self) -> None:
        """Show once more what was answered last; its next answer counts."""
        if self._given:
            self._again = self._given.pop()

    def image(self, name: str, side: str) -> bytes:
        """Return an image without what its file says of how it was made.

        Raises:
            ApiError: there is no such pair or side, or the image is gone.
        """
        from PIL import Image

        pair = self._pair(name)
        if side not in ("left", "right"):
            raise ApiError(404, f"{side[:20]!r} is neither left nor right", "not_found")
        drawing = self.run.drawings[pair.left if side == "left" else pair.right][Key(pair.prompt, pair.seed)]
        try:
            if not is_address(drawing.image):  # the run may be anybody's, and would name any file
                raise ValueError("no address of an image")
            with (
                _READING,
                warnings.catch_warnings(action="ignore"),
                open_regular(self.run.image(drawing)) as file,
                Image.open(file, formats=("PNG",)) as image,
            ):
                if image.width * image.height > MAX_PIXELS:
                    raise ValueError(f"{image.width}x{image.height} pixels")
                return encode_png(image)  # without the texts of its file
        except Exception as error:  # decoders raise whatever they like on damaged files
            raise ApiError(404, f"image {drawing.image[:12]} is gone, damaged or too large", "not_found") from error

    def _pair(self, name: str) -> Pair:
        pair = self.by_id.get(name)
        if pair is None:
            raise ApiError(404, f"there is no pair {name[:20]!r}; load the page again", "not_found")
        return pair


def build_label_app(session: Session, token: str) -> ASGIApp:
    """Return the application; all of it lies under ``/TOKEN/``.

    Args:
        session: what is asked about.
        token: of the address; whoever hasn't got it is told nothing.
    """

    def checked(request: Request) -> None:
        given = request.path_params["token"]
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode()):
            raise HTTPException(404)

    async def page(request: Request) -> Response:
        checked(request)
        name = FILES.get(request.path_params.get("name", ""))
        if name is None:
            raise HTTPException(404)
        text = await anyio.to_thread.run_sync(_text_of, name)
        return Response(text, media_type=TYPES[name.rpartition(".")[2]], headers=HEADERS)

    async def state(request: Request) -> Response:
        checked(request)
        return JSONResponse(session.state(), headers=HEADERS)

    async def label(request: Request) -> Response:
        checked(request)
        try:
            answer = Answer.model_validate_json(await request.body())
        except ValidationError as error:
            raise ApiError(400, f"no answer: {error.errors()[0]['msg']}", "invalid_value") from error
        await anyio.to_thread.run_sync(session.answer, answer)
        return JSONResponse(session.state(), headers=HEADERS)

    async def back(request: Request) -> Response:
        checked(request)
        session.back()
        return JSONResponse(session.state(), headers=HEADERS)

    async def image(request: Request) -> Response:
        checked(request)
        data = await anyio.to_thread.run_sync(session.image, request.path_params["id"], request.path_params["side"])
        return Response(data, media_type="image/png", headers=HEADERS)

    async def refused(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException):
            error = ApiError(error.status_code, error.detail, "not_found")
        elif isinstance(error, UserError):
            error = ApiError(500, str(error), "storage_failed")
        return cast(ApiError, error).response()

    routes = [
        Route("/{token}/pair", state),
        Route("/{token}/labels", label, methods=["POST"]),
        Route("/{token}/back", back, methods=["POST"]),
        Route("/{token}/images/{id}/{side}", image),
        Route("/{token}/", page),
        Route("/{token}/{name}", page),
    ]
    handlers = {HTTPException: refused, ApiError: refused, UserError: refused}
    # It also keeps out pages elsewhere: by the names in Host and Origin.
    return AuthMiddleware(Starlette(routes=routes, exception_handlers=handlers), Authenticator(), loopback=True)


@lru_cache
def _text_of(name: str) -> str:
    return resources.files("imagerag.evaluation").joinpath("label_page", name).read_text(encoding="utf-8")


def serve_labels(
    folder: Path, arms: Sequence[str] = (), *, by: str = "", port: int = 0, seed: int = 0, browser: bool = True
) -> tuple[Preferences, tuple[str, ...]]:
    """Show pairs of images until Ctrl-C ends it, and return what all labels of the run add up to, and notes.

    Args:
        folder: of the run.
        arms: that are compared, each with each; all unless given.
        by: who answers, so that several people's labels are told apart.
        port: to listen on; any that is free if 0.
        seed: of the order and the sides.
        browser: open one.

    Raises:
        UserError: there is no run, or nothing to compare; or the port is taken.
    """
    run, file = read_run(folder), LabelFile(folder)
    session = Session(run, pairs_of(run, arms, seed), file, by)
    token = secrets.token_urlsafe(16)
    with listen(HOST, port, ()) as listener:
        where = say_where("imagerag eval label", listener, [f"/{token}/"])
        if browser:
            webbrowser.open(where)
        with contextlib.suppress(KeyboardInterrupt):
            serve(build_label_app(session, token), listener)
    if file.labels:
        print(f"kept in {str(file.path)!r}; the same command goes on", file=sys.stderr, flush=True)
    return preferences_of(run, file.labels), (*run.notes, *file.notes)
