"""Whether the files and folders that settings and variables name can be read or written; none is made."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from imagerag.chat_models.pricing import PRICES, read_prices
from imagerag.doctor.finding import Finding, of_error, ok, warning, wrong
from imagerag.errors import UserError
from imagerag.generators.diffusion.presets import PRESETS, load_presets
from imagerag.profiles.loading import PROFILES, load_profiles
from imagerag.profiles.resolve import RunSettings
from imagerag.store.picture_decoding import read_picture

AREA = "files"
SOON = 30
"""Days before the end of a certificate from which on it is told."""


def check_places(settings: RunSettings) -> list[Finding]:
    """Return one line for each file and folder that is named; the data directory is checked with the libraries."""
    read: list[tuple[str, str | None, Callable[[], object]]] = [
        ("profiles file", os.environ.get(PROFILES), load_profiles),
        ("presets file", os.environ.get(PRESETS), load_presets),
        ("price file", prices := os.environ.get(PRICES), partial(read_prices, prices or "")),
        *(("subject", file, partial(read_picture, file)) for file in settings.subject),
    ]
    findings = [_read(what, file, check) for what, file, check in read if file]
    if settings.c2pa_cert is not None or settings.c2pa_key is not None:
        findings.append(_of_certificate(settings))
    if settings.record is not None:
        findings.append(_of_record(Path(settings.record)))
    if settings.out is not None:
        findings.append(_of_folder(Path(settings.out)))
    return findings


def _read(what: str, file: str, check: Callable[[], object]) -> Finding:
    try:
        check()
    except UserError as error:
        return of_error(AREA, error)
    return ok(AREA, f"{what} {file!r} can be read")


def _of_certificate(settings: RunSettings) -> Finding:
    """Return whether images can be signed, and for how long."""
    from datetime import UTC, datetime

    from imagerag.provenance.signing import open_signer

    try:
        signer = open_signer(settings.c2pa_cert, settings.c2pa_key)
    except UserError as error:
        return of_error(AREA, error)
    assert signer is not None
    days = (signer.until - datetime.now(UTC)).days
    text = f"images are signed by certificate {settings.c2pa_cert!r}, valid until {signer.until:%Y-%m-%d}"
    return ok(AREA, text) if days >= SOON else warning(AREA, text, f"renew it, which ends in {days} days")


def _of_record(file: Path) -> Finding:
    """Return whether a run could write its exchanges to a file, which has to be new or empty."""
    if file.is_file() and file.stat().st_size:
        text = f"record file {str(file)!r} has something in it already"
        return wrong(AREA, text, "give --record a new file, or remove it")
    if file.is_dir() or not file.parent.is_dir() or not os.access(file if file.exists() else file.parent, os.W_OK):
        return wrong(AREA, f"record file {str(file)!r} can't be written", "give --record another file")
    return ok(AREA, f"record file {str(file)!r} can be written")


def _of_folder(folder: Path) -> Finding:
    if can_be_folder(folder):
        return ok(AREA, f"results folder {str(folder)!r} can be written")
    return wrong(AREA, f"results folder {str(folder)!r} can't be written", "choose another with --out DIR")


def can_be_folder(folder: Path) -> bool:
    """Tell, by its mode alone, whether a folder can be written to, or made where it isn't there."""
    folder = folder.absolute()
    there = next(one for one in (folder, *folder.parents) if one.exists())
    return there.is_dir() and os.access(there, os.W_OK)
