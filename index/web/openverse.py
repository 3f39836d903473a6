"""Openverse: openly licensed pictures of Flickr, Wikimedia, museums and others (https://api.openverse.org/v1/)."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from imagerag.index.web.answers import LONGEST_NAME, at, plain_text, rows_at, web_address
from imagerag.index.web.candidates import Ask, Candidate, SourceFailed, WebQuery
from imagerag.licences import normalised

ADDRESS = "https://api.openverse.org"
PAGE = 20
"""The most that it gives to whoever is not registered; it refuses to be asked for more, with status 401."""
SPARE = 60.0
"""Seconds before its end at which a token is no longer used."""
LONGEST_QUERY = 200
"""Characters; it cuts off what is longer."""
_SYNTAX = re.compile(r"[^\w\s'-]|(?<!\w)[-']|[-'](?!\w)")
"""What means something to its search, a ``simple_query_string`` of Elasticsearch: quotes, ``-word``, ``word*``."""


class Openverse:
    """See the module.

    Args:
        address: of the service, or of a mirror.
        address_is_set: whether the person has set it.
        token: of a registered application (OAuth2), which may ask more often; empty for nobody. Each ends after hours.
        application: id and secret of a registered application, for which tokens are asked in place of that one.
    """

    name = "openverse"

    def __init__(
        self,
        address: str = ADDRESS,
        address_is_set: bool = False,
        token: str = "",
        application: tuple[str, str] | None = None,
    ) -> None:
        self.address = address.rstrip("/")
        self.address_is_set = address_is_set
        self._token = token
        self._until = float("inf") if application is None else 0.0
        self._application = application

    async def search(self, ask: Ask, query: WebQuery) -> Sequence[Candidate]:
        """See ``WebSource``."""
        parameters = {
            "q": " ".join(_SYNTAX.sub(" ", query.words).split())[:LONGEST_QUERY],
            "page": str(query.page),
            "page_size": str(min(query.count, PAGE)),
        }
        if query.sensitive:  # left out otherwise: the service takes any text for a yes, "false" as well
            parameters["mature"] = "true"
        if codes := query.policy.codes():
            parameters["license"] = ",".join(codes)
        token = await self._valid_token(ask)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        answer = await ask(f"{self.address}/v1/images/", parameters, headers=headers, secret=bool(token))
        found = []
        for row in rows_at(answer, "results", self.name):
            if not query.sensitive and (row.get("mature") is True or row.get("unstable__sensitivity")):
                continue
            terms = web_address(row.get("license_url"))
            licence = normalised(plain_text(row.get("license")), plain_text(row.get("license_version")), terms)
            full = web_address(row.get("url"))
            place = plain_text(row.get("source") or row.get("provider"), LONGEST_NAME)
            found.append(
                Candidate(
                    source=f"{self.name} ({place})" if place else self.name,
                    small=web_address(row.get("thumbnail")) or full,
                    full=full,
                    title=plain_text(row.get("title")),
                    licence=licence,
                    creator=plain_text(row.get("creator"), LONGEST_NAME),
                    licence_link=terms,
                    link=web_address(row.get("foreign_landing_url")),
                    words=_tags(row.get("tags")),
                )
            )
        return found

    async def _valid_token(self, ask: Ask) -> str:
        """Return a token for the next seconds; empty for whoever has not registered.

        Raises:
            SourceFailed: it gives none.
        """
        if self._application is None or time.monotonic() < self._until:
            return self._token
        name, secret = self._application
        form = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}
        answer = await ask(f"{self.address}/v1/auth_tokens/token/", form=form, secret=True)
        token, seconds = at(answer, "access_token"), at(answer, "expires_in")
        if not (isinstance(token, str) and token.isascii() and token.isprintable() and isinstance(seconds, int)):
            raise SourceFailed(
                f"the web source {self.name!r} gives no token for the application that is set",
                f"the web source {self.name!r} failed",
            )
        self._token, self._until = token, time.monotonic() + seconds - SPARE
        return token


def _tags(tags: object) -> tuple[str, ...]:
    """Return what people have tagged a picture with; tags of machines are left out."""
    if not isinstance(tags, list):
        return ()
    named = [tag for tag in tags if isinstance(tag, dict) and tag.get("accuracy") is None]
    return tuple(name for tag in named if (name := plain_text(tag.get("name"), 60)))
