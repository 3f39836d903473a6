"""``imagerag plugins``: what can be named for each part, built in and of installed packages."""

import argparse
from typing import TextIO, TypedDict

from imagerag.cli.terminal import say, say_json
from imagerag.errors import UserError
from imagerag.plugins import GROUPS, Group, installed, load_plugin

SETTING: dict[Group, str] = {
    "generators": "--generator",
    "critics": "--critic",
    "chat_models": "--vlm",
    "collections": "imagerag index add NAME:WHAT",
    "searches": "--library",
    "tools": "offered to every chat model",
    "moderations": "asked about every picture that is fetched or drawn",
}


class Row(TypedDict):
    """One part, as ``--json`` lists it."""

    group: Group
    name: str
    package: str
    makes: str
    profile: str
    problem: str


def list_plugins(options: argparse.Namespace, stdout: TextIO) -> int:
    """Print what is there, and return the exit status: 1 if a package can't be loaded."""
    ours = _built_in()
    taken = {(row["group"], row["name"]) for row in ours}
    rows = [*ours, *(_row(group, name, taken) for group in GROUPS if group != "tools" for name in installed(group))]
    rows += [_row("tools", name, set()) for name in installed("tools")]
    if options.json:
        say_json(rows, stdout)
    else:
        for group in GROUPS:
            say(f"{group} ({SETTING[group]})", file=stdout)
            for row in rows:
                if row["group"] == group:
                    say(f"  {_line(row)}", file=stdout)
    return 1 if any(row["problem"] for row in rows) else 0


def _line(row: Row) -> str:
    about = [row["package"]]
    if row["makes"]:
        about.append(f"makes {row['makes']}, profile {row['profile']}")
    if row["problem"]:
        about.append(f"can't be used: {row['problem']}")
    return f"{row['name']:<26} {'; '.join(about)}"


def _built_in() -> list[Row]:
    from imagerag.agent.names import CLIP_OF, CRITICS, PROGRAMS
    from imagerag.chat_models.providers import KEYS
    from imagerag.generators.diffusion.presets import load_presets
    from imagerag.generators.registry import GENERATORS, PREFIXES
    from imagerag.index.user.sources.registry import SOURCES
    from imagerag.index.web.names import web_source_names
    from imagerag.settings import LIBRARIES
    from imagerag.tool_registry import TOOLS

    names: dict[Group, list[str]] = {
        "generators": [*GENERATORS, *load_presets(), *(f"{prefix}:NAME" for prefix in PREFIXES)],
        "critics": [*CRITICS, f"{CLIP_OF}MODEL", "any chat model"],
        "chat_models": [*PROGRAMS, *(f"{provider}:MODEL" for provider in KEYS), "transformers:MODEL"],
        "collections": list(SOURCES),
        "searches": [*LIBRARIES, *web_source_names()],
        "tools": list(TOOLS),
        "moderations": [],
    }
    return [
        {"group": group, "name": name, "package": "built in", "makes": "", "profile": "", "problem": ""}
        for group in GROUPS
        for name in names[group]
    ]


def _row(group: Group, name: str, taken: set[tuple[Group, str]]) -> Row:
    plugin = installed(group)[name]
    row: Row = {"group": group, "name": name, "package": plugin.package, "makes": "", "profile": "", "problem": ""}
    if (group, name) in taken:
        row["problem"] = "the built-in one of that name is used; name the entry point otherwise"
        return row
    try:
        loaded = load_plugin(group, name)
    except UserError as error:
        row["problem"] = str(error)
        return row
    if group == "generators":
        from imagerag.generators.base import GeneratorPlugin

        if isinstance(loaded, GeneratorPlugin):
            row["makes"], row["profile"] = loaded.makes, loaded.profile
        else:
            row["problem"] = f"{plugin.target!r} is no GeneratorPlugin"
    return row
