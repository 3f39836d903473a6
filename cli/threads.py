"""``imagerag threads``: the conversations of the data directory: listed, shown, renamed, deleted, exported."""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from imagerag.attribution import credit_of
from imagerag.cli.terminal import printable, say, say_json
from imagerag.errors import UserError
from imagerag.store.home import home_path

if TYPE_CHECKING:
    from imagerag.server.conversations import Conversation, Conversations, Turn

PROMPT_SHOWN = 60
"""Characters of a prompt in the list."""


def list_threads(options: argparse.Namespace, stdout: TextIO) -> int:
    """Print every conversation, the one last gone on with first, and return the exit status.

    Raises:
        FileError: they can't be read.
    """
    from imagerag.server.conversations import open_conversations

    with open_conversations(home_path(options.home)) as conversations:
        found = conversations.all() if conversations is not None else []
    if options.json:
        say_json([_row(one) for one in found], stdout)
        return 0
    for one in found:
        when = one.last.astimezone().strftime("%Y-%m-%d %H:%M")
        prompt = printable(one.prompt)
        prompt = prompt if len(prompt) <= PROMPT_SHOWN else prompt[: PROMPT_SHOWN - 3] + "..."
        counts = f"{_count(one.turns, 'turn')}, {_count(one.images, 'image')}"
        say(f"{printable(one.name):<20} {when}  {counts:<22} {prompt}", file=stdout)
    if not found:
        say('there is no conversation yet; begin one: imagerag --thread sea "a lobster"', file=stdout)
    return 0


def show_thread(options: argparse.Namespace, stdout: TextIO) -> int:
    """Print the turns of one conversation, and return the exit status.

    Raises:
        UserError: there is none of that name.
    """
    with _conversations(options, options.name) as conversations:
        turns = conversations.turns(options.name)
    if options.json:
        say_json({"name": options.name, "turns": turns}, stdout)
        return 0
    for turn in turns:
        for line in _lines(turn):
            say(line, file=stdout)
    say(f'go on with: imagerag --thread {printable(options.name)} "now make it blue"', file=stdout)
    return 0


def rename_thread(options: argparse.Namespace, stdout: TextIO) -> int:
    """Give a conversation another name, and return the exit status.

    Raises:
        UserError: there is none of that name, or one of the new name, or a run of it is under way.
    """
    with _conversations(options, options.name) as conversations:
        conversations.rename(options.name, options.new)
    _tell(f"{options.name!r} is called {options.new!r} now", {"name": options.new}, options, stdout)
    return 0


def delete_threads(options: argparse.Namespace, stdout: TextIO) -> int:
    """Delete conversations, and return the exit status.

    Raises:
        UserError: there is none of one of the names (nothing is deleted then), or a run of one is under way.
    """
    with _conversations(options, *options.names) as conversations:
        known = {one.name for one in conversations.all()}
        for name in options.names:
            if name not in known:
                raise _unknown(name)
        for name in dict.fromkeys(options.names):
            conversations.delete(name)
    names = ", ".join(repr(printable(name)) for name in dict.fromkeys(options.names))
    told = f"deleted {names}; images that only these referred to go with: imagerag gc --yes"
    _tell(told, {"deleted": list(dict.fromkeys(options.names))}, options, stdout)
    return 0


def export_thread(options: argparse.Namespace, stdout: TextIO) -> int:
    """Write a conversation to a new folder: a page, its data as JSON, and its images; return the exit status.

    Raises:
        UserError: there is none of that name, or the folder can't be written.
    """
    from imagerag.report.html import render_conversation
    from imagerag.store.exports import for_others
    from imagerag.store.images import ImageStore
    from imagerag.store.output_files import conversation_name, folder_refused, make_folder, write_new

    home = home_path(options.home)
    with _conversations(options, options.name) as conversations:
        turns = conversations.turns(options.name)
    folder = _new_folder(Path(options.out or options.name).expanduser().absolute())
    make_folder(folder)
    store = ImageStore(home)
    files: dict[str, Path] = {}
    for image in (image for turn in turns for image in turn["images"]):
        if image["sha256"] not in store:
            say(f"note: {image['id']} is left out: its file is gone from the data directory", file=stdout)
            continue
        data = store.data(image["sha256"])
        name = conversation_name(image["id"], image["prompt"])
        files[image["id"]] = write_new(folder, name, ".png", for_others(data))
    document = {"name": options.name, "turns": [_portable(turn, files) for turn in turns]}
    write_new(folder, "conversation", ".json", json.dumps(document, ensure_ascii=False, indent=1).encode())
    try:
        page = render_conversation(options.name, turns, files)
    except OSError as error:
        raise folder_refused(folder, error) from error
    written = write_new(folder, "conversation", ".html", page.encode("utf-8", "replace"))
    told = {"folder": str(folder), "html": str(written), "images": [str(file) for file in files.values()]}
    _tell(f"{_count(len(turns), 'turn')}, {_count(len(files), 'image')}: {written}", told, options, stdout)
    return 0


@contextmanager
def _conversations(options: argparse.Namespace, *names: str) -> "Iterator[Conversations]":
    from imagerag.server.conversations import open_conversations

    with open_conversations(home_path(options.home)) as found:
        if found is None:
            raise _unknown(names[0])
        yield found


def _unknown(name: str) -> UserError:
    return UserError(f"there is no conversation {name[:80]!r}; those there are: imagerag threads list")


def _tell(text: str, document: object, options: argparse.Namespace, stdout: TextIO) -> None:
    if options.json:
        say_json(document, stdout)
    else:
        say(text, file=stdout)


def _row(one: "Conversation") -> dict[str, Any]:
    last = one.last.isoformat(timespec="seconds")
    return {"name": one.name, "turns": one.turns, "images": one.images, "prompt": one.prompt, "last": last}


def _lines(turn: "Turn") -> Iterator[str]:
    yield f"{turn['turn']}  {printable(turn['request'])}"
    if turn["prompt"] != turn["request"]:
        yield f"   drawn: {printable(turn['prompt'])}"
    for image in turn["images"]:
        score = "not judged" if image["score"] is None else f"score {image['score']:.2f}"
        best = ", the best" if image["id"] == turn["best"] else ""
        yield f"   {image['id']}  {score}, seed {image['seed']}{best}  {image['path']}"
    for record in turn["references"]:
        what = f"{printable(record['title'])} for {printable(record['concept'])}"
        yield f"   {record['id']}  {what}, {printable(credit_of(record))}"
    if turn["stop_reason"]:
        yield f"   stopped: {turn['stop_reason']}"


def _portable(turn: "Turn", files: dict[str, Path]) -> dict[str, Any]:
    """Return a turn without where things are on this machine: images by their names in the folder."""
    images = [{**image, "path": files[image["id"]].name if image["id"] in files else ""} for image in turn["images"]]
    references = [{key: value for key, value in one.items() if key != "path"} for one in turn["references"]]
    return {**turn, "images": images, "references": references}


def _new_folder(folder: Path) -> Path:
    """Return a folder that is not there yet: this one, or one with a number behind its name."""
    number, free = 1, folder
    while free.exists():
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    return free


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
