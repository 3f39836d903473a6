"""All checks of a profile, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from imagerag.doctor.finding import Finding, of_error, warning, wrong
from imagerag.doctor.packages import install_command
from imagerag.doctor.plan import plan
from imagerag.doctor.threads import WAIT, left, side_by_side, waits_end_after
from imagerag.errors import UserError
from imagerag.profiles.resolve import RunSettings
from imagerag.settings import Settings

SECONDS = 30.0
"""For all checks together, as where libraries are loaded slowly; those of other machines end sooner (``WAIT``)."""

WAITING = ("generator", "chroma")
"""Checks that do nothing but wait for a server; those of weights and chat models load libraries, too, and end their
waits themselves."""


@dataclass(frozen=True)
class Examination:
    """What was found.

    Attributes:
        profile: its name; ``None`` where none could be read.
        findings: in the order in which a run needs things.
        seconds: that it took.
    """

    profile: str | None
    findings: tuple[Finding, ...]
    seconds: float

    def count(self, status: str) -> int:
        """Return how many findings have a status."""
        return sum(finding.status == status for finding in self.findings)

    @property
    def document(self) -> dict[str, Any]:
        """All of it, as ``--json`` has it."""
        counts = {status: self.count(status) for status in ("ok", "warning", "wrong")}
        found = [finding.document for finding in self.findings]
        return {"profile": self.profile, "findings": found, **counts, "seconds": round(self.seconds, 2)}


def examine(asked: Settings, offline: bool = False, thread: str | None = None) -> Examination:
    """Check the profile that these settings name, or fit: nothing is drawn, downloaded or written.

    Args:
        asked: as a run would be given them.
        offline: ask neither the hub nor any provider or server.
        thread: the profile of the earlier turns of its thread, if there are any.
    """
    began = time.monotonic()
    settings, findings = plan(asked, thread)
    if settings is not None:
        with waits_end_after(WAIT - (time.monotonic() - began)):
            findings += _checked(settings, offline)
    findings = [_without_keys(finding) for finding in findings]
    return Examination(settings.profile if settings else None, tuple(findings), time.monotonic() - began)


def _checked(settings: RunSettings, offline: bool) -> list[Finding]:
    from imagerag.doctor.names import check_names
    from imagerag.doctor.needs import knowing
    from imagerag.doctor.published_models import published_presets

    named, settings = check_names(settings)
    with knowing(published_presets(settings, offline)):
        return _each_checked(settings, named, offline)


def _each_checked(settings: RunSettings, named: list[Finding], offline: bool) -> list[Finding]:
    from imagerag.doctor.connections import check_chroma, check_tools
    from imagerag.doctor.device import check_device
    from imagerag.doctor.estimate import check_estimate
    from imagerag.doctor.keys import check_keys, models_of_providers
    from imagerag.doctor.libraries import check_libraries
    from imagerag.doctor.local_models import check_local_models
    from imagerag.doctor.packages import check_packages
    from imagerag.doctor.places import check_places
    from imagerag.doctor.servers import check_generator_server, past_seconds
    from imagerag.doctor.weights import check_weights

    after: list[float | None] = [None]

    def chat_models() -> list[Finding]:
        from imagerag.doctor.vlm import check_chat_models  # LangChain takes seconds

        answers = check_chat_models(settings)
        after[0] = answers.seconds
        return list(answers.findings)

    checks: dict[str, Callable[[], list[Finding]]] = {
        "files": partial(check_places, settings),
        "device": partial(check_device, settings),
        "packages": partial(check_packages, settings),
        "weights": partial(check_weights, settings, offline),
        "keys": partial(check_keys, settings),
        "local vlm": partial(check_local_models, settings),
    }
    if not offline and models_of_providers(settings):
        checks["vlm"] = chat_models
    took: list[float] = []

    def generator_server() -> list[Finding]:
        found = check_generator_server(settings)
        took.extend(past_seconds(settings))
        return found

    if not offline:
        checks |= {"generator": generator_server, "chroma": partial(check_chroma, settings)}
    if settings.mcp_server or settings.mcp_allow:
        checks["tools"] = partial(check_tools, settings, offline)
    wrong_parts = {finding.area for finding in named}
    if "generator" in wrong_parts:
        checks.pop("generator", None)
    if "lookup_model" not in wrong_parts:
        checks["index"] = partial(check_libraries, settings)
    ends = [left(WAIT) if area in WAITING else SECONDS for area in checks]
    results = side_by_side([partial(_or_lacking, area, check) for area, check in checks.items()], ends)
    findings = named
    for area, most, found in zip(checks, ends, results, strict=True):
        late = warning(area, f"not checked: it took more than {most:.0f} s", "try again, or --offline")
        findings += [late] if found is None else found
    if offline:
        findings.append(
            warning("network", "nothing was asked of the hub, providers and servers", "leave --offline out")
        )
    return _once([*findings, *check_estimate(settings, after[0], took)])


def _once(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings without those that another check has told: a file that can't be read stops several."""
    told: dict[str, Finding] = {}
    for finding in findings:
        told.setdefault(finding.text, finding)
    return list(told.values())


def _or_lacking(area: str, check: Callable[[], list[Finding]]) -> list[Finding]:
    """Return what a check finds, or why it can't check: for one, an installation may be incomplete."""
    try:
        return check()
    except UserError as error:
        return [of_error(area, error)]
    except ModuleNotFoundError as error:
        library = (error.name or str(error)).partition(".")[0]
        if library == "imagerag":
            raise
        return [wrong(area, f"not checked: {library!r} is not installed", install_command(library, ""))]


def _without_keys(finding: Finding) -> Finding:
    from imagerag.doctor.keys import without_keys

    return replace(finding, text=without_keys(finding.text), mend=without_keys(finding.mend))
