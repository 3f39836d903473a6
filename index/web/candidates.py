"""What a web source is asked and answers, and the interface behind which every one stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from imagerag.errors import ServiceError
from imagerag.licences import DEFAULT_POLICY, LicencePolicy


class SourceFailed(ServiceError):
    """A web source that can't be asked, refuses, or answers with what can't be read.

    Attributes:
        pause: seconds for which it should not be asked again.
    """

    def __init__(self, message: str, public: str, pause: float = 0.0) -> None:
        super().__init__(message, public)
        self.pause = pause


@dataclass(frozen=True)
class WebQuery:
    """What is looked for.

    Attributes:
        words: the caption, or words of it: all that is sent of a run.
        count: how many pictures; a source may give fewer, and what it gives beyond is left out.
        page: from 1 on.
        policy: licences that are of use; a source that can filter by them should, but need not.
        sensitive: whether results that the source marks as sensitive are wanted, too.
    """

    words: str
    count: int
    page: int = 1
    policy: LicencePolicy = DEFAULT_POLICY
    sensitive: bool = False


@dataclass(frozen=True)
class Candidate:
    """One picture that a source found by words. All texts are what others say, never instructions.

    Attributes:
        source: where it comes from, as in ``openverse (flickr)``.
        small: address of a small copy, some 200 to 500 pixels.
        full: address of a large one.
        title: what it is called.
        licence: identifier, see ``imagerag.licences.normalised``; ``unknown`` where the source does not tell.
        creator: who made it; empty where the source does not tell, as the next two.
        licence_link: where the licence's terms can be read.
        link: page about it.
        words: more words for what it shows.
        data: its file, where the source gives that with its answer; the addresses are empty then.
    """

    source: str
    small: str
    full: str
    title: str
    licence: str
    creator: str = ""
    licence_link: str = ""
    link: str = ""
    words: tuple[str, ...] = ()
    data: bytes = b""


class Ask(Protocol):
    """Asks a source's server, under the rules of ``imagerag.index.web.client``."""

    async def __call__(
        self,
        url: str,
        parameters: Mapping[str, str] | None = None,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        secret: bool = False,
        form: Mapping[str, str] | None = None,
    ) -> Any:
        """Return the JSON that the server answers.

        Args:
            url: the address.
            parameters: of its query.
            body: JSON of a ``POST``; a ``GET`` without.
            headers: besides the usual ones.
            secret: whether a key is among all that.
            form: fields of a ``POST``, such as those that ask for a token. What it answers is kept nowhere.

        Raises:
            SourceFailed: it can't be asked, refuses, or answers with something else.
        """
        ...


class WebServer(Protocol):
    """A server on the web that can be asked."""

    @property
    def name(self) -> str:
        """By which a setting names it."""
        ...

    @property
    def address(self) -> str:
        """Of its server."""
        ...

    @property
    def address_is_set(self) -> bool:
        """Whether the person has set it: then what stands at the same scheme, host and port may be anywhere.

        All else has to be on a public address.
        """
        ...


RobotsPolicy = Literal["heed", "named", "none"]
"""Which rules of a server's ``robots.txt`` count: all, those for imagerag by its name, or none."""


@runtime_checkable
class KnowsRobots(Protocol):
    """A server of which it is known whom its ``robots.txt`` is for. Of all others, all rules count."""

    @property
    def robots(self) -> RobotsPolicy:
        """``named`` where it keeps search engines away from an API that is published for programs; ``none`` for a
        server of the person's own.
        """
        ...


@runtime_checkable
class AnswersOnce(Protocol):
    """A source without pages, which has to be asked at once for all that is wanted."""

    @property
    def most_at_once(self) -> int:
        """Pictures that it can be asked for."""
        ...


@runtime_checkable
class WebSource(WebServer, Protocol):
    """A place on the web where pictures are found by words. An entry point of ``imagerag.searches`` may make one."""

    async def search(self, ask: Ask, query: WebQuery) -> Sequence[Candidate]:
        """Return what is found, best first.

        Raises:
            SourceFailed: it can't be asked, or its answer has not the form that is published.
        """
        ...
