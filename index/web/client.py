"""Asking web sources: bounded, cached, under our own name, and never again before a server wants to be asked."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from imagerag.credentials import without_credentials
from imagerag.errors import FileError, first_line
from imagerag.index.web.answers import at, plain_text
from imagerag.index.web.cache import ANSWERS, PICTURES, WebCache
from imagerag.index.web.candidates import KnowsRobots, RobotsPolicy, SourceFailed, WebServer
from imagerag.index.web.names import BUILT_IN
from imagerag.interruptible import retry_after
from imagerag.net.robots import MOST_BYTES as ROBOTS_BYTES
from imagerag.net.robots import RobotsRules
from imagerag.net.safe_fetch import AGENT, Answer, Origin, Request, SafeClient, Unfetched
from imagerag.regular_files import read_regular
from imagerag.store.files import write_whole

CONTACT = "IMAGERAG_CONTACT"
"""Variable with the mail address or the page of whoever runs this, which web sources are told."""
ANSWER_BYTES = 4 * 2**20
SMALL_BYTES = 4 * 2**20
FULL_BYTES = 20 * 2**20
SECONDS = 10.0
"""For one answer or picture."""
AT_ONCE = 4
"""Pictures of one source that are fetched at the same time."""
PAUSE = 60.0
"""Seconds for which a source is left alone that asks for less without saying how much, or did not answer."""
LONGEST_PAUSE = 86400.0
"""However long a server asks for: the longest window in which services count requests, Openverse's among them."""
PAUSES = "pauses.json"
"""In the folder ``web`` of the data directory."""
OPT_OUT = frozenset({"noai", "noimageai"})
"""Of ``X-Robots-Tag``: what is not to be used for AI, as servers of pictures say it since DeviantArt began with it."""
LONGEST_REASON = 120
"""Characters of what a server says of its refusal."""
ROBOTS = 86400.0
"""Seconds for which a ``robots.txt`` counts without asking for it anew: the most that RFC 9309 (section 2.4) allows."""


def user_agent() -> str:
    """Return how we introduce ourselves, with the contact that Wikimedia and others want to be given."""
    contact = " ".join(os.environ.get(CONTACT, "").split())[:200]
    shown = contact.encode("ascii", "ignore").decode() or f"no contact; {CONTACT} sets one"
    return f"imagerag/{metadata.version('imagerag')} ({shown}) references for image generation"


class Pauses:
    """Until when which server is left alone; shared by all that ask it in this process.

    Args:
        file: keeps those that a server has asked for, so that the next command does not ask before they are over;
            ``None`` keeps none. One that can't be read or written is none.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._until: dict[str, float] = {}
        self._file = file

    def begin(self, server: str, seconds: float, *, asked: bool = False) -> None:
        """Leave a server alone for so long; ``asked`` where it said so itself."""
        seconds = min(seconds, LONGEST_PAUSE)
        self._until[server] = time.monotonic() + seconds
        if asked and self._file is not None:
            now = time.time()
            kept = {name: until for name, until in self._kept().items() if until > now} | {server: now + seconds}
            with suppress(FileError):
                write_whole(self._file, json.dumps(kept).encode(), durable=False)

    def left(self, server: str) -> float:
        """Return the seconds for which it is still left alone; 0 if it is not."""
        left = max(self._until.get(server, 0.0) - time.monotonic(), 0.0)
        kept = min(self._kept().get(server, 0.0) - time.time(), LONGEST_PAUSE)  # whatever the clock has been set to
        return max(left, kept, 0.0)

    def _kept(self) -> dict[str, float]:
        if self._file is None:
            return {}
        try:
            return {str(name): float(until) for name, until in json.loads(read_regular(self._file)).items()}
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return {}


class WebClient:
    """Asks one source, and fetches pictures from where it says that they are.

    Args:
        source: which.
        cache: of what was fetched.
        pauses: of all sources.
    """

    def __init__(self, source: WebServer, cache: WebCache, pauses: Pauses) -> None:
        self._source = source
        self._cache = cache
        self._pauses = pauses
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._one_reads: defaultdict[Origin, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._rules: dict[Origin, RobotsRules] = {}
        self._answers: list[str] = []
        self._client = SafeClient([Origin.of(source.address)] if source.address_is_set else (), agent=user_agent())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    @contextmanager
    def forgetting_what_fails(self) -> Iterator[None]:
        """Keep no answer that is asked for within the block where the block fails.

        Some servers say what is wrong with a status of 200, MediaWiki among them: kept, it would be their answer for an
        hour after they are well again.
        """
        self._answers.clear()
        try:
            yield
        except Exception:
            for key in self._answers:
                self._cache.forget(key)
            raise

    async def ask(
        self,
        url: str,
        parameters: Mapping[str, str] | None = None,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        secret: bool = False,
        form: Mapping[str, str] | None = None,
    ) -> Any:
        """See ``imagerag.index.web.candidates.Ask``."""
        whole = f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(parameters)}" if parameters else url
        sent = {"accept": "application/json", **(headers or {})}
        request = Request(whole, body, sent, secret, ANSWER_BYTES, SECONDS, form)
        key = None if form is not None else json.dumps([self._source.name, whole, body], sort_keys=True)
        self._answers += [key] if key is not None else []
        data = await self._had(request, key, ANSWERS)
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise self._failed(f"answers with something that is no JSON ({first_line(error)})") from error

    async def picture(self, url: str, most: int) -> bytes:
        """Return a picture's file.

        Raises:
            SourceFailed: it can't be had.
        """
        async with self._at_once:
            request = Request(url, None, {"accept": "image/*"}, False, most, SECONDS)
            return await self._had(request, f"picture {url}", PICTURES)

    def _is_ours(self, origin: Origin) -> bool:
        """Tell whether a server is the source's own, and none that its answers point to."""
        return bool(self._source.address) and origin == Origin.of(self._source.address)

    async def _had(self, request: Request, key: str | None, seconds: float) -> bytes:
        """Return what a request answers, from the cache where that holds still; ``None`` as its key keeps it out."""
        cached = None if key is None else self._cache.get(key)
        if cached is not None and cached.fresh:
            return cached.data
        origin = self._origin(request)
        ours = self._is_ours(origin)
        left = max(self._pauses.left(self._source.name) if ours else 0.0, self._pauses.left(self._server(origin)))
        if left > 0:
            who = "" if ours else f"{origin.host!r} "
            raise self._failed(
                f"{who}is left alone for {left:.0f} more seconds, as it asked, or since it did not answer"
            )
        await self._heed_robots(request, origin)
        conditions = cached.conditions if cached is not None else {}
        asked = replace(request, headers={**request.headers, **conditions})
        try:
            answer = await self._client.ask(asked)
        except Unfetched as error:
            raise self._failed(error.why) from error
        if answer.status == 304 and cached is not None and key is not None:
            self._cache.still_holds(key, seconds)
            return cached.data
        if answer.status != 200:
            raise self._refused(request, answer, ours)
        if _opts_out(answer.headers):
            raise self._failed(f"the server of {request.shown!r} asks not to use it for AI (X-Robots-Tag)")
        if key is not None:
            self._cache.put(key, request.url, answer.data, answer.headers, seconds)
        return answer.data

    def _server(self, origin: Origin) -> str:
        return _server_of(self._source, origin)

    def _origin(self, request: Request) -> Origin:
        try:
            return Origin.of(request.url)
        except Unfetched as error:
            raise self._failed(error.why) from error

    async def _heed_robots(self, request: Request, origin: Origin) -> None:
        """Ask no server anything that its ``robots.txt`` asks programs not to ask.

        Raises:
            SourceFailed: it does, or it can't be told: then nothing may be asked (RFC 9309, section 2.3.1.4).
        """
        source = self._source
        ours = self._is_ours(origin)
        policy: RobotsPolicy = source.robots if isinstance(source, KnowsRobots) else "heed"
        if policy == "none" and not ours:
            policy = "heed"  # the source is the person's own; the pictures that it points to are others'
        if policy == "none":
            return
        async with self._one_reads[origin]:
            if origin not in self._rules:
                text = (await self._robots(request.url, ours)).decode("utf-8", "replace")
                self._rules[origin] = RobotsRules.of(text, AGENT)
        rules = self._rules[origin]
        if (policy == "heed" or rules.named) and not rules.allow(request.url):
            has_table = ours and source.address_is_set and source.name not in BUILT_IN
            way_out = "; if it is yours, its table takes robots = false" if has_table else ""
            whose = "its robots.txt" if ours else f"the robots.txt of {origin.host!r}"
            raise self._failed(f"{whose} asks programs not to ask for {request.shown!r}{way_out}")

    async def _robots(self, address: str, ours: bool) -> bytes:
        """Return the ``robots.txt`` of the server of an address; nothing where it has none."""
        parts = urlsplit(address)
        url = f"{parts.scheme}://{parts.netloc}/robots.txt"
        key = f"robots {url}"
        cached = self._cache.get(key)
        if cached is not None and cached.fresh:
            return cached.data
        conditions = cached.conditions if cached is not None else {}
        request = Request(url, None, {"accept": "text/plain", **conditions}, False, ROBOTS_BYTES, SECONDS)
        try:
            answer = await self._client.ask(request)
        except Unfetched as error:
            raise self._failed(f"{error.why}; without its robots.txt nothing may be asked") from error
        if answer.status == 304 and cached is not None:
            self._cache.still_holds(key, ROBOTS)
            return cached.data
        if answer.status == 429 or answer.status >= 500:
            raise self._refused(request, answer, ours)
        data = answer.data if answer.status == 200 else b""
        self._cache.put(key, url, data, answer.headers if data else {}, ROBOTS)
        return data

    def _refused(self, request: Request, answer: Answer, ours: bool) -> SourceFailed:
        """Return the error of a status; a source's own server that asks for a pause gets it."""
        wanted = retry_after(answer.headers.get("retry-after"))
        if answer.status == 429 or (answer.status == 503 and wanted is not None):
            seconds = PAUSE if wanted is None else min(wanted, LONGEST_PAUSE)
            if ours:
                self._pauses.begin(self._source.name, seconds)
            self._pauses.begin(self._server(self._origin(request)), seconds, asked=True)
            return self._failed(f"asks to be left alone for {seconds:.0f} seconds (status {answer.status})", seconds)
        why = f"{request.shown!r} answers with status {answer.status}"
        if said := "" if request.secret else _reason(answer.data):
            why += f" ({said})"
        if answer.status in (401, 403) and ours:
            why += f"; its key may be wrong or missing, or it wants to know whom to contact: set {CONTACT}"
        return self._failed(why)

    def _failed(self, why: str, pause: float = 0.0) -> SourceFailed:
        name = self._source.name
        return SourceFailed(
            f"the web source {name!r}: {without_credentials(why)}", f"the web source {name!r} failed", pause
        )


def _server_of(source: WebServer, origin: Origin) -> str:
    """Return what names a server among pauses: those that only have pictures have one each, of each source."""
    return f"{source.name} {origin.scheme}://{origin.host}:{origin.port}"


def is_left_alone(source: WebServer, pauses: Pauses) -> bool:
    """Tell whether nothing is asked of a source's own server for now."""
    servers = [source.name, *([_server_of(source, Origin.of(source.address))] if source.address else [])]
    return any(pauses.left(server) > 0 for server in servers)


def _reason(data: bytes) -> str:
    """Return what a server says of its refusal, in the shapes that web sources have; empty where it is no JSON.

    ``{"error": "..."}`` is that of Hugging Face and iNaturalist, ``detail`` Openverse's, ``message`` The Met's.
    """
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    paths = ("error", "detail", "message", "error.message", "error.info", "errors.0.message")
    return next((text for path in paths if (text := plain_text(at(told, path), LONGEST_REASON))), "")


def _opts_out(headers: Mapping[str, str]) -> bool:
    """Tell whether a server asks all programs, or this one, not to use what it gives for AI.

    Several headers arrive as one, so that to whom a rule without a name belongs can't be told: it counts for all.
    """
    rules = [part.rpartition(":") for part in headers.get("x-robots-tag", "").lower().split(",")]
    return any(rule.strip() in OPT_OUT and whom.strip() in ("", AGENT) for whom, _, rule in rules)
