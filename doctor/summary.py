"""What a profile needs and what of it is there, told at once: no model is loaded and no other machine is asked."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from imagerag.doctor.keys import is_set, models_of_providers, needed_keys
from imagerag.doctor.needs import Need, needs_of
from imagerag.doctor.packages import install_command, needed_packages
from imagerag.doctor.plan import settings_with
from imagerag.model_files import snapshot
from imagerag.profiles.choosing import Chosen, driven_by_key, possible
from imagerag.profiles.loading import Choice, Profile
from imagerag.profiles.machine import this_machine
from imagerag.profiles.ranking import Ranking
from imagerag.profiles.resolve import RunSettings
from imagerag.settings import Settings
from imagerag.shell_words import WINDOWS, quoted

SECONDS = 0.3
"""For a server on this machine to accept a connection."""

State = Literal["there", "lacking", "not asked"]


@dataclass(frozen=True)
class Thing:
    """One thing that a profile needs.

    Attributes:
        kind: what it is.
        name: of the package, repository or folder, the variable, or the server's address.
        used_by: the parts that need it.
        state: whether it is there; servers elsewhere are not asked.
        gigabytes: of weights, in 10^9 bytes; on this disk, or to be downloaded by estimate; ``None`` if not known.
        mend: the command that mends it; empty where nothing lacks.
    """

    kind: Literal["package", "weights", "key", "server"]
    name: str
    used_by: str
    state: State
    gigabytes: float | None = None
    mend: str = ""

    @property
    def line(self) -> str:
        """The thing in words, without its state."""
        size = ""
        if self.kind == "weights":
            size = f"{self.gigabytes:.1f} GB of " if self.gigabytes else "of unknown size of "
        return f"{self.kind} {size}{self.name} ({self.used_by})"


def things_needed(settings: RunSettings) -> list[Thing]:
    """Return what a run with these settings needs, package, weights, key and server.

    Raises:
        UserError: a part's name is not understood.
    """
    doctor = f"imagerag doctor --profile {quoted([settings.profile])}"
    return [
        *_packages(settings),
        *(_weights(need, doctor) for need in needs_of(settings)),
        *_keys(settings),
        *_servers(settings, doctor),
    ]


def _packages(settings: RunSettings) -> Iterator[Thing]:
    users: dict[tuple[str, str], list[str]] = {}
    for library, user, extra in needed_packages(settings):
        users.setdefault((library, extra), []).append(user)
    for (library, extra), names in users.items():
        there = find_spec(library) is not None
        mend = "" if there else install_command(library, extra)
        yield Thing("package", library, ", ".join(dict.fromkeys(names)), "there" if there else "lacking", None, mend)


def _weights(need: Need, doctor: str) -> Thing:
    folder = Path(need.where) if need.is_folder else snapshot(need.where, need.revision)
    lacking = need.files.lacking(folder) if folder is not None else ["all"]
    if folder is not None and not lacking:
        return Thing("weights", need.where, need.part, "there", need.gigabytes or _gigabytes_of(folder))
    return Thing("weights", need.where, need.part, "lacking", need.gigabytes or None, doctor)


def _gigabytes_of(folder: Path) -> float:
    """Return how much lies in a folder; the hub's cache has links to its files."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e9


def _keys(settings: RunSettings) -> Iterator[Thing]:
    for key, users in needed_keys(settings).items():
        mend = f"{'set' if WINDOWS else 'export'} {key}=YOUR_KEY"
        there = is_set(key)
        yield Thing("key", key, ", ".join(users), "there" if there else "lacking", None, "" if there else mend)


def _servers(settings: RunSettings, doctor: str) -> Iterator[Thing]:
    users: dict[str, list[str]] = {}
    parts = {name: " and ".join(roles) for name, roles in models_of_providers(settings).items()}
    for name, role in (*parts.items(), (settings.generator, "generator")):
        if found := re.search(r"(?:^comfyui:|@)(https?://\S+)", name):
            users.setdefault(found[1], []).append(f"{role} {name!r}")
    for address, names in users.items():
        state = _answers(address)
        yield Thing("server", address, ", ".join(names), state, None, "" if state == "there" else doctor)


def _answers(address: str) -> State:
    """Return whether a server of this machine accepts connections; any other is not asked."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        if host != "localhost" and not ip_address(host).is_loopback:
            return "not asked"
    except ValueError:  # a name, or no address at all: the doctor says so
        return "not asked"
    try:
        with socket.create_connection((host, port), SECONDS):
            return "there"
    except OSError:
        return "lacking"


def is_usable(things: list[Thing]) -> bool:
    """Tell whether nothing lacks that was asked for."""
    return all(thing.state != "lacking" for thing in things)


def lacking_gigabytes(things: list[Thing]) -> float:
    """Return the 10^9 bytes of weights that are to be downloaded, as far as they are known."""
    return sum(thing.gigabytes or 0.0 for thing in things if thing.state == "lacking")


@dataclass(frozen=True)
class Alternative:
    """A choice of a profile's that is not taken.

    Attributes:
        generator: its name; empty where the person has to name one.
        vlm: what decides.
        gigabytes: of its weights, in 10^9 bytes; ``None`` where none are needed or known.
        lacking: what it lacks here, in words; empty where it is possible, and another goes before it.
    """

    generator: str
    vlm: str
    gigabytes: float | None
    lacking: str


def alternatives(asked: Settings, profile: Profile, taken: RunSettings | None) -> list[Alternative]:
    """Return the choices of a profile other than the one taken, best first.

    Raises:
        UserError: there is no such device.
    """
    found = {(one.generator, one.vlm): one for one in _ranked(asked, profile, taken)}
    for choice in profile.choices:
        driven = driven_by_key(profile, choice)[0]
        settings = settings_with(asked, profile, Chosen(driven))
        generator, vlm = (settings.generator, settings.vlm) if settings else ("", asked.vlm or driven.vlm or "")
        if taken is not None and (generator, vlm) == (taken.generator, taken.vlm):
            continue
        if (generator, vlm) in found and profile.ranking:
            continue
        lacks, _, _ = possible(profile, choice, asked.generator, asked.vlm, asked.device_settings)
        size = sum(need.gigabytes for need in needs_of(settings)) if settings else 0.0
        before = found[generator, vlm].lacking.split(" or ") if (generator, vlm) in found else []
        lacks = " or ".join(dict.fromkeys([*before, lacks]))
        found[generator, vlm] = Alternative(generator, vlm, size or None, lacks)
    return list(found.values())


def _ranked(asked: Settings, profile: Profile, taken: RunSettings | None) -> Iterator[Alternative]:
    """Yield the generators of a profile's ranking that take references, each with the best VLM that fits beside it.

    Those that are too slow here, or are taken only where they are, are left out.
    """
    if not profile.ranking:
        return
    ranking = Ranking(profile, asked.generator, asked.vlm, asked.device_settings, this_machine(asked.device_settings))
    for row in ranking.rows():
        preset = ranking.preset(row)
        if preset is None or preset.family == "text" or ranking.refused(row):
            continue
        vlm, fit = ranking.best_fit(row)
        if taken is not None and row.generator == taken.generator:
            continue
        settings = settings_with(asked, profile, Chosen(Choice(generator=row.generator, vlm=vlm.vlm)))
        size = sum(need.gigabytes for need in needs_of(settings)) if settings else 0.0
        lacks = "" if fit.mode is not None else ranking.in_words(row, vlm, fit)
        yield Alternative(row.generator, vlm.vlm, size or None, lacks)
