"""``imagerag index`` and ``imagerag search``: what is indexed, adding to it, making it anew, and looking things up."""

import argparse
import contextlib
import json
import sys
from pathlib import Path
from typing import TextIO

from imagerag.cli.progress import ProgressBars
from imagerag.errors import InvalidArgument, UserError
from imagerag.graphs.context import load_context


def index(options: argparse.Namespace, stdout: TextIO) -> int:
    """Add to the reference index, rebuild it, or tell what is in it, and return the exit status.

    Raises:
        UserError: the index is damaged (``status``), can't be written (``add``, ``rebuild``), or a path is wrong.
    """
    from imagerag.store.home import home_directory

    if options.paths and options.action != "add":
        raise UserError(f"{options.paths[0]!r} is of no use to index {options.action}; give it without a path")
    home = home_directory(load_context({"home": options.home}).home)
    if options.action == "add":
        return _add(options, home, stdout)
    from imagerag.index.chroma import index_status
    from imagerag.index.own import own_status

    status = _rebuilt(home, options.json) if options.action == "rebuild" else index_status(home)
    status["own"] = own_status(home)
    if options.json:
        print(json.dumps(status, ensure_ascii=False), file=stdout, flush=True)
        return 0
    own = status.pop("own")
    for name, value in status.items():
        print(f"{name}: {'none' if value is None else value}", file=stdout)
    assert isinstance(own, dict)
    print(f"own pictures: {own['images']} in {own['files']} files", file=stdout)
    if not status["images"]:
        print("there is no index yet; the first look-up makes it, or: imagerag index rebuild", file=stdout)
    return 0


def search(options: argparse.Namespace, stdout: TextIO) -> int:
    """Print what is most like the words, best first, and return the exit status.

    Raises:
        UserError: the words are empty, ``-k`` is below 1, or the index is damaged.
    """
    from imagerag.graphs.parts import ResolvedParts

    words = " ".join(options.words)
    bars = ProgressBars(quiet=options.json)
    bars.busy("loading the model")
    parts = ResolvedParts(load_context({"home": options.home}))
    try:
        with contextlib.redirect_stdout(sys.stderr):
            hits = parts.index.search([words], options.k)[0]
    except InvalidArgument as error:
        raise UserError(f"{error}; see: imagerag search --help") from error
    finally:
        bars.clear()
    found = [
        {
            "path": str(hit.path),
            "similarity": round(hit.similarity, 4),
            "caption": hit.title,
            "source": hit.source,
            "licence": hit.licence,
        }
        for hit in hits
    ]
    if options.json:
        print(json.dumps(found, ensure_ascii=False), file=stdout, flush=True)
        return 0
    for entry in found:
        print(f"{entry['similarity']:.2f}  {entry['caption']}, from {entry['source']}, {entry['licence']}", file=stdout)
        print(f"      {entry['path']}", file=stdout)
    return 0


def _add(options: argparse.Namespace, home: Path, stdout: TextIO) -> int:
    if not options.paths:
        raise UserError("index add needs a folder or file to add, for example: imagerag index add ~/pictures")
    from dataclasses import asdict

    from imagerag.engines.providers import embedded_clip
    from imagerag.index.own import OwnPictures, Reading

    bars = ProgressBars(quiet=options.json)
    bars.busy("loading the model")
    own: OwnPictures | None = None
    try:
        with contextlib.redirect_stdout(sys.stderr):
            own = OwnPictures(home, embedded_clip())
            outcome = own.add(
                options.paths,
                reading=Reading(options.licence, options.image_column, options.caption_column, options.allow_urls),
                progress=lambda done, total: bars.update("adding", done, total),
                on_wait=lambda text: print(text, file=sys.stderr),
            )
    finally:
        bars.clear()
        if own is not None:
            own.close()
    if options.json:
        print(json.dumps(asdict(outcome), ensure_ascii=False), file=stdout, flush=True)
        return 0
    print(f"added {outcome.added}, unchanged {outcome.unchanged}, removed {outcome.removed}", file=stdout)
    if outcome.skipped:
        print(f"skipped {len(outcome.skipped)}:", file=stdout)
        for entry in outcome.skipped:
            print(f"  {entry['reason']}", file=stdout)
    return 0


def _rebuilt(home: Path, quiet: bool) -> dict[str, object]:
    from imagerag.engines.providers import embedded_clip
    from imagerag.index.chroma import ChromaIndex

    bars = ProgressBars(quiet=quiet)
    bars.busy("loading the model")
    try:
        with contextlib.redirect_stdout(sys.stderr):
            built = ChromaIndex(
                home,
                embedded_clip(),
                progress=lambda done, total: bars.update("indexing", done, total),
                on_wait=lambda text: print(text, file=sys.stderr),
            )
            status = built.rebuild()
            built.close()
    finally:
        bars.clear()
    return status
