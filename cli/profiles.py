"""``imagerag profiles``: which sets of parts there are, what each needs, and where a run's values come from."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill
from typing import Any, TextIO

from imagerag.agent.names import check_vlm_name
from imagerag.cli.setting_flags import settings_of
from imagerag.cli.terminal import say, say_json
from imagerag.cli.thread_profile import profile_of_thread, size_of_thread
from imagerag.doctor.plan import plan
from imagerag.doctor.summary import Thing, alternatives, is_usable, lacking_gigabytes, things_needed
from imagerag.errors import UserError
from imagerag.generators.registry import check_generator
from imagerag.picture_size import PictureSize
from imagerag.profiles.choosing import choose
from imagerag.profiles.loading import SET_BY_PROFILE, Profile, read_profiles
from imagerag.profiles.names import check_parts
from imagerag.profiles.resolve import RunSettings, resolve
from imagerag.settings import Settings, load_settings

STATES = ("there", "lacking", "not asked")
UNBROKEN: Any = {"break_long_words": False, "break_on_hyphens": False}
"""Commands can be copied."""


WIDTH = 120
"""Columns where the output is no terminal."""


def list_profiles(options: argparse.Namespace, stdout: TextIO) -> int:
    """Print the profiles with what each needs, what is there and what is lacking, and return the exit status.

    Raises:
        UserError: the generator or the chat model that all of them would be asked with is not known.
    """
    asked = load_settings(settings_of(options))
    if asked.generator is not None:
        check_generator(asked.generator)
    if asked.vlm is not None:
        check_vlm_name(asked.vlm)
    profiles, refused = read_profiles()
    rows = [_row(profile, asked) for profile in profiles.values()]
    for row in rows:  # each is told by itself
        row["notes"] = [note for note in row.get("notes", ()) if note not in refused.values()]
    rows += [_refused_row(name, why) for name, why in refused.items()]
    if options.json:
        say_json(rows, stdout)
        return 0
    width = get_terminal_size((WIDTH, 24)).columns
    for row in rows:
        say(
            fill(f"{row['name']}: {row['about']}".removesuffix(": "), width, subsequent_indent="  ", **UNBROKEN),
            file=stdout,
        )
        for label, text in _lines(row):
            # A command is not wrapped, so that it can be copied.
            columns = len(text) + 20 if label == "mend:" else width
            head = f"  {label:<10} "
            say(fill(text, columns, initial_indent=head, subsequent_indent=" " * len(head), **UNBROKEN), file=stdout)
    say("more of one: imagerag doctor --profile NAME", file=stdout)
    return 0


def _lines(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is told of one profile, each line with its label."""
    if row["problem"]:
        yield "refused:", row["problem"]
    if "generator" in row:
        parts = f"{row['generator']}, driven by {row['vlm']}, judged by {row['critic']}"
        why = f" ({row['why']})" if row["why"] else ""
        would = "would be " if row["problem"] else ""
        yield "parts:", f"{would}{parts}, looks up in {', '.join(row['library'])} with {row['lookup_model']}{why}"
    needs = row["needs"]
    if packages := [one["name"] for one in needs if one["kind"] == "package" and one["state"] == "there"]:
        yield "there:", f"packages {', '.join(packages)}"
    for state in STATES:
        for one in needs:
            if one["state"] == state and (one["kind"] != "package" or state == "lacking"):
                yield f"{state}:", Thing(**one).line
                if one["mend"] and one["kind"] != "weights":
                    yield "mend:", one["mend"]
    if absent := [one for one in needs if one["kind"] == "weights" and one["state"] == "lacking"]:
        yield "", f"about {row['gigabytes_lacking']:.1f} GB to download in all; the commands for it:"
        yield "mend:", absent[0]["mend"]
    for one in row["alternatives"]:
        drawn = one["generator"] or "a generator that you name"
        size = f", {one['gigabytes']:.1f} GB of weights" if one["gigabytes"] else ""
        lacks = f"; lacks: {one['lacking']}" if one["lacking"] else ""
        yield "or:", f"{drawn}, driven by {one['vlm']}{size}{lacks}"
    for note in row.get("notes", ()):
        yield "note:", note


def _refused_row(name: str, why: str) -> dict[str, Any]:
    """Return a table of the person's file that is no profile, as ``--json`` lists it."""
    return {"name": name, "about": "", "problem": why, "usable": False, "needs": [], "alternatives": [], "notes": []}


def show_profile(options: argparse.Namespace, stdout: TextIO) -> int:
    """Print each value that a run would have and where it comes from, and return the exit status.

    Raises:
        UserError: these settings can't be used here, or name a part that there isn't; as for a run.
    """
    given = settings_of(options)
    if options.named is not None:
        if given["profile"] not in (None, options.named):
            raise UserError(f"profile {options.named!r} and --profile {given['profile']!r} are given; leave one out")
        given["profile"] = options.named
    asked = load_settings(given, file=Path(options.config) if options.config else None)
    settings = resolve(asked, profile_of_thread(asked))
    check_parts(settings)
    origins = dict(settings.origins)
    names = ["profile", *SET_BY_PROFILE, *(name for name in origins if name not in ("profile", *SET_BY_PROFILE))]
    values = {name: getattr(settings, name) for name in names}
    if not (settings.names("size") or settings.names("aspect")) and (size := size_of_thread(asked)):
        exact = PictureSize.parse(size).is_exact
        values |= {"size": size if exact else None, "aspect": None if exact else size}
        origins |= {"size" if exact else "aspect": "the thread", "aspect" if exact else "size": "default"}
    if options.json:
        told = {name: {"value": values[name], "from": origins[name]} for name in names}
        say_json({"values": told, "notes": settings.notes, "chosen": settings.chosen}, stdout)
        return 0
    for name in names:
        value = values[name]
        text = ", ".join(map(str, value)) if isinstance(value, tuple) else "none" if value is None else str(value)
        say(f"{name:<20} {text:<45} {origins[name]}", file=stdout)
    for note in filter(None, (*settings.notes, settings.chosen)):
        say(f"note: {note}", file=stdout)
    return 0


def _row(profile: Profile, asked: Settings) -> dict[str, Any]:
    """Return one profile as ``--json`` lists it."""
    row: dict[str, Any] = {"name": profile.name, "about": profile.about, "makes": profile.makes, "file": profile.file}
    row |= {"problem": "", "why": "", "lacking": [], "needs": [], "gigabytes_lacking": 0.0, "alternatives": []}
    named = replace(asked, profile=profile.name)
    try:
        check_parts(resolved := resolve(named))
        settings: RunSettings | None = resolved
        chosen = choose(profile, asked.generator, asked.vlm, asked.device_settings)
        row |= {"why": chosen.why, "lacking": list(dict.fromkeys(chosen.lacking))}
    except UserError as error:
        row["problem"] = str(error)
        settings, _ = plan(named)
    try:
        row["alternatives"] = [asdict(one) for one in alternatives(named, profile, settings)]
        if settings is not None:
            things = things_needed(settings)
            row |= {name: getattr(settings, name) for name in SET_BY_PROFILE} | {"notes": list(settings.notes)}
            row |= {"needs": [asdict(one) for one in things], "gigabytes_lacking": round(lacking_gigabytes(things), 2)}
            row["usable"] = is_usable(things) and not row["problem"]
    except UserError as error:
        row["problem"] = row["problem"] or str(error)
    return {"usable": False, **row}
