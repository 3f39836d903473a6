"""Whether the models' weights are on this machine, and else the command that gets just the files that are loaded."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from imagerag.doctor.finding import Finding, of_error, ok, warning, wrong
from imagerag.doctor.hub import SECONDS, Listing, listing
from imagerag.doctor.needs import Need, needs_of
from imagerag.doctor.threads import left, side_by_side
from imagerag.errors import UserError
from imagerag.model_files import OnlyFile, patterns_of, snapshot
from imagerag.model_hub import NO_REPOSITORY, Refusal, download_command
from imagerag.profiles.resolve import RunSettings
from imagerag.shell_words import quoted

AREA, ACCESS = "weights", "access"
SLOW = Listing(refused=Refusal("unreachable", "the hub does not answer in time", "check the network, or HF_ENDPOINT"))


def check_weights(settings: RunSettings, offline: bool) -> list[Finding]:
    """Return what there is to say of all weights that are loaded, without downloading any.

    Args:
        settings: of the run.
        offline: don't ask the hub.
    """
    try:
        needs = list(needs_of(settings))
    except UserError as error:
        return [of_error(AREA, error)]
    here = [need for need in needs if need.is_folder]
    groups: dict[tuple[str, str | None], list[Need]] = {}
    for need in needs:
        if not need.is_folder:
            groups.setdefault((need.where, need.revision), []).append(need)
    asked = [partial(listing, *key, offline) for key in groups]
    # Each asks the hub up to three times.
    known = [found or SLOW for found in side_by_side(asked, left(1.5 * SECONDS))]
    findings = [_of_folder(need) for need in here]
    wanted = 0.0
    for (key, parts), about in zip(groups.items(), known, strict=True):
        told, bytes_wanted = _of_repository(*key, parts, about)
        findings += told
        wanted += bytes_wanted
    if not needs:
        findings.append(ok(AREA, "none have to be downloaded"))
    return [*findings, *_of_hub(known, findings), *_of_disk(wanted)]


def _of_folder(need: Need) -> Finding:
    if not Path(need.where).is_dir():
        return wrong(
            AREA,
            f"{need.part}: {need.where!r} {NO_REPOSITORY}",
            f"put the model there, or name another with {need.flag}",
        )
    lacks = need.files.lacking(Path(need.where))
    if lacks:
        text = f"{need.part}: {_some(lacks)} not in the folder {need.where!r}"
        return wrong(AREA, text, f"put the files there, or name another model with {need.flag}")
    return ok(AREA, f"{need.part} is in the folder {need.where!r}")


def _of_repository(
    repository: str, revision: str | None, parts: Sequence[Need], about: Listing
) -> tuple[list[Finding], float]:
    """Return what there is to say of one repository, and the bytes that are to be downloaded."""
    what = " and ".join(need.part for need in parts)
    folder = snapshot(repository, revision)
    size = sum(need.gigabytes for need in parts)
    if any(isinstance(need.files, OnlyFile) and len(need.files.of(about.files, {})) > 1 for need in parts):
        if folder is not None and not any(need.files.lacking(folder) for need in parts):
            return [ok(AREA, f"{what}: {repository} is on this machine")], 0.0
        names = sorted(file for need in parts for file in need.files.of(about.files, {}))
        mend = f"name one of them: {parts[0].flag} {quoted([f'{repository}/{names[0]}'])}"
        return [wrong(AREA, f"{what}: {repository!r} has {len(names)} files: {_some(names)}", mend)], 0.0
    if about.files:
        needed = {file for need in parts for file in need.files.of(about.files, about.index)}
        absent = sorted(file for file in needed if file not in about.files)
        if absent and about.asked:
            return [
                wrong(
                    AREA, f"{what}: {repository!r} has no {_some(absent)}", f"name another model with {parts[0].flag}"
                )
            ], 0.0
        lacks = sorted(file for file in needed if folder is None or not (folder / file).is_file())
        count = sum(about.files.get(file, 0) for file in lacks)
        told = f"{len(lacks)} of {len(needed)} files ({_size(count)})"
        includes, size = patterns_of(needed, about.files), count / 1e9
    else:
        lacks = [name for need in parts for name in (need.files.lacking(folder) if folder else need.files.patterns)]
        told = f"the weights (about {_size(size * 1e9)})" if size else "the weights"
        includes = list(dict.fromkeys(pattern for need in parts for pattern in need.files.patterns))
    if not lacks:
        return [ok(AREA, f"{what}: {repository} is on this machine")], 0.0
    command = download_command(repository, revision, includes)
    text = f"{what}: {told} of {repository!r} are not on this machine"
    refused = about.refused
    if refused is not None and refused.kind not in ("unreachable", "login", "licence"):
        return [wrong(AREA, f"{what}: {repository!r} {refused.why}", _mend(refused, parts[0]))], 0.0
    findings = []
    if refused is not None and refused.kind in ("login", "licence"):
        findings.append(wrong(ACCESS, f"{repository!r} {refused.why}", refused.mend))
    elif about.asked:
        return [warning(AREA, f"{text}; the first run would download them", command)], size * 1e9
    return [*findings, wrong(AREA, text, command)], size * 1e9


def _mend(refused: Refusal, need: Need) -> str:
    """Return what helps, with the flag of the part where the name itself is wrong."""
    return f"{refused.mend}; or name another with {need.flag}" if refused.kind == "absent" else refused.mend


def _of_hub(known: Sequence[Listing], findings: Sequence[Finding]) -> list[Finding]:
    """Return, once, that the hub isn't reached, if anything has to come from there."""
    away = next((about.refused for about in known if about.refused and about.refused.kind == "unreachable"), None)
    if away is None:
        return []
    if all(finding.status == "ok" for finding in findings):
        return [warning("hub", f"{away.why}; all weights are here", away.mend)]
    return [wrong("hub", away.why, away.mend)]


def _of_disk(wanted: float) -> list[Finding]:
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE)
    while not folder.is_dir():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if wanted < free:
        return [ok("disk", f"{_size(free)} free in {str(folder)!r}, {_size(wanted)} to download")] if wanted else []
    return [
        wrong(
            "disk", f"{_size(free)} free in {str(folder)!r}, {_size(wanted)} to download", "make room, or HF_HOME=DIR"
        )
    ]


def _some(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _size(count: float) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e7 else f"{count / 1e6:.2f} MB"
