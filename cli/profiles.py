"""``imagerag profiles``: which sets of parts there are, what each needs, and where a run's values come from."""

import argparse
from pathlib import Path
from typing import Any, TextIO

from imagerag.cli.setting_flags import settings_of
from imagerag.cli.terminal import say, say_json
from imagerag.errors import UserError
from imagerag.profiles.choosing import choose
from imagerag.profiles.loading import SET_BY_PROFILE, Profile, load_profiles
from imagerag.profiles.resolve import resolve
from imagerag.settings import load_settings


def list_profiles(options: argparse.Namespace, stdout: TextIO) -> int:
    """Print the profiles with what each needs, what is there and what is lacking, and return the exit status."""
    asked = load_settings(settings_of(options))
    rows = [_row(profile, asked) for profile in load_profiles().values()]
    if options.json:
        say_json(rows, stdout)
        return 0
    for row in rows:
        say(f"{row['name']}: {row['about']}", file=stdout)
        if row["problem"]:
            say(f"  lacking: {row['problem']}", file=stdout)
            continue
        parts = f"{row['generator']}, driven by {row['vlm']}, judged by {row['critic']}"
        say(f"  here: {parts}{f' ({why})' if (why := row['why']) else ''}", file=stdout)
        say(f"  looks up in {', '.join(row['library'])} with {row['lookup_model']}", file=stdout)
        for lacking in row["lacking"]:
            say(f"  not: {lacking}", file=stdout)
    say("more of one: imagerag doctor --profile NAME", file=stdout)
    return 0


def show_profile(options: argparse.Namespace, stdout: TextIO) -> int:
    """Print each value that a run would have and where it comes from, and return the exit status.

    Raises:
        UserError: these settings can't be used here.
    """
    asked = load_settings(settings_of(options), file=Path(options.config) if options.config else None)
    settings = resolve(asked, _profile_of_thread(asked.home, asked.thread) if asked.thread is not None else None)
    origins = dict(settings.origins)
    names = ["profile", *SET_BY_PROFILE, *(name for name in origins if name not in ("profile", *SET_BY_PROFILE))]
    values = {name: getattr(settings, name) for name in names}
    origins.setdefault("profile", "the thread" if asked.thread is not None else "it fits the generator")
    if options.json:
        told = {name: {"value": values[name], "from": origins[name]} for name in names}
        say_json({"values": told, "notes": settings.notes}, stdout)
        return 0
    for name in names:
        value = values[name]
        text = ", ".join(map(str, value)) if isinstance(value, tuple) else "none" if value is None else str(value)
        say(f"{name:<20} {text:<45} {origins[name]}", file=stdout)
    for note in settings.notes:
        say(f"note: {note}", file=stdout)
    return 0


def _row(profile: Profile, asked: Any) -> dict[str, Any]:
    """Return one profile as ``--json`` lists it."""
    from dataclasses import replace

    row: dict[str, Any] = {"name": profile.name, "about": profile.about, "makes": profile.makes, "file": profile.file}
    row |= {"problem": "", "why": "", "lacking": []}
    try:
        settings = resolve(replace(asked, profile=profile.name))
        chosen = choose(profile, asked.generator, asked.vlm, asked.device_settings)
    except UserError as error:
        return {**row, "problem": str(error)}
    row |= {name: getattr(settings, name) for name in SET_BY_PROFILE}
    return {**row, "why": chosen.why, "lacking": list(dict.fromkeys(chosen.lacking)), "notes": list(settings.notes)}


def _profile_of_thread(home: str | None, thread: str) -> str | None:
    """Return the profile of a thread's earlier turns, if there are any."""
    from imagerag.graphs.agent_graph import build_graph
    from imagerag.graphs.checkpointer import open_checkpointer
    from imagerag.store.home import home_directory

    with open_checkpointer(home_directory(home)) as saver:
        state = build_graph(checkpointer=saver).get_state({"configurable": {"thread_id": thread}})
        found: str | None = state.values.get("profile")
        return found
