"""``imagerag index``: adding pictures, calibrating on them, telling what is there, checking and building it anew."""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from imagerag.cli.interrupt import Ended, status_of
from imagerag.cli.progress import loading_model
from imagerag.cli.setting_flags import settings_of
from imagerag.cli.terminal import printable, say, say_json
from imagerag.errors import UserError
from imagerag.index.user_libraries import (
    OWN,
    check_library_name,
    library_directory,
    library_names,
    searched_web_sources,
)
from imagerag.profiles.downloads import bytes_outside_run
from imagerag.profiles.resolve import resolve_lookup
from imagerag.settings import Settings, load_settings

if TYPE_CHECKING:
    from imagerag.index.web.candidates import WebSource

SHOWN = 20
"""Lines of a report on the terminal; ``--json`` has them all."""
REBUILD_ENDED = (
    "pictures and embeddings are all kept, and look-ups find them; give the same command again to make the search "
    "index whole"
)
"""True at any moment: what is searched is a copy, and without it a look-up goes through the embeddings."""


def index(options: argparse.Namespace, stdout: TextIO) -> int:
    """Look after the reference index, and return the exit status: 1 if ``verify`` found something wrong.

    Raises:
        UserError: the index is damaged (``status``), can't be written (``add``, ``remove``, ``rebuild``), or a path is
            wrong.
    """
    from imagerag.embedders.clip_names import check_clip_name
    from imagerag.store.home import home_directory

    if options.paths and options.command not in ("add", "remove"):
        raise UserError(f"{options.paths[0]!r} is of no use to index {options.command}; give it without a path")
    # Whatever the command does with them: a name that is nobody's is never passed over.
    settings = load_settings(settings_of(options) | {"library": None})
    for model in resolve_lookup(settings)[1]:
        check_clip_name(model)
    home = home_directory(settings.home)
    if options.command != "add":
        check_library_name(home, options.library, resolve_lookup(settings)[1][0])
    if options.command == "add":
        return _add(options, home, settings, resolve_lookup(settings)[1], stdout)
    if options.command == "calibrate":
        return _calibrate(options, home, settings, resolve_lookup(settings)[1], stdout)
    if options.command == "remove":
        return _remove(options, home, settings.chroma, stdout)
    if options.command == "verify":
        return _verify(options, home, settings.chroma, resolve_lookup(settings)[1], stdout)
    from imagerag.embedders.calibration import bundled_calibration
    from imagerag.index.bundled.chroma import index_status
    from imagerag.index.user import user_index_status
    from imagerag.index.user.calibration_file import calibration_summary, in_words

    status = _rebuilt(options, home, settings.chroma) if options.command == "rebuild" else index_status(home)
    own = user_index_status(home)
    named = {name: user_index_status(home, name) for name in library_names(home) if name != OWN}
    status["skipped"] = skipped = own.pop("skipped")
    status["own"] = own
    status["libraries"] = named
    # Of all there is; what is the library's alone is told besides.
    status["library"] = status["images"]
    status["images"] = int(str(status["images"])) + sum(one["images"] for one in (own, *named.values()))
    bundled = bundled_calibration()
    status["calibration"] = calibration_summary(bundled)
    status["model"] = status["model"] or ", ".join(own["models"]) or None
    if options.json:
        say_json(status, stdout)
        return 0
    del status["own"], status["libraries"], status["skipped"], status["calibration"]
    for name, value in status.items():
        say(f"{name}: {'none' if value is None else value}", file=stdout)
    say(f"bundled library: {in_words(bundled)}", file=stdout)
    _print_library("own pictures", own, library_directory(home), stdout)
    for name, one in named.items():
        _print_library(f"library {name!r}", one, library_directory(home, name), stdout)
    skipped = [*skipped, *(entry for one in named.values() for entry in one["skipped"])]
    _print_some("skipped", [entry["reason"] for entry in skipped], stdout)
    if not status["images"]:
        say("there is no index yet; the first look-up makes it, or: imagerag index rebuild", file=stdout)
    return 0


def _print_library(name: str, library: dict[str, Any], directory: Path, stdout: TextIO) -> None:
    from imagerag.index.user.calibration_file import in_words, stored_calibrations

    say(f"{name}: {library['images']} in {library['files']} files", file=stdout)
    for source, count in library["sources"].items():
        say(f"  {count} from {printable(source)}", file=stdout)
    if library["models"]:
        say(f"  embedded with {', '.join(library['models'])}", file=stdout)
    for fitted in stored_calibrations(directory):
        say(f"  {in_words(fitted)}", file=stdout)
    if library["near_duplicates"]:
        say(f"  {library['near_duplicates']} nearly look like another", file=stdout)


def _image_search(settings: Settings, name: str) -> "WebSource":
    from imagerag.tools.mcp_search import McpSearch

    if not settings.mcp_server:
        raise UserError(f"{name!r} is the search of an MCP server, of which none is named; name one with --mcp-server")
    return McpSearch(name, settings.mcp_server, settings.mcp_allow)


def _add(options: argparse.Namespace, home: Path, settings: Settings, models: tuple[str, ...], stdout: TextIO) -> int:
    if not options.paths:
        raise UserError("index add needs a folder or file to add, for example: imagerag index add ~/pictures")
    from dataclasses import asdict

    from imagerag.embedders.registry import clip_model
    from imagerag.index.user import ReadOptions, UserPictures
    from imagerag.index.user.calibrate import calibrate_if_outdated
    from imagerag.index.user.calibration_file import calibration_summary, in_words
    from imagerag.index.user.likely_kind import doubt_of_kind

    with loading_model(options.json, bytes_outside_run(settings)) as bars:
        if options.library in searched_web_sources(home):
            raise UserError(
                f"library {options.library!r} has the name of a web source; call it otherwise with --library"
            )
        embedder = clip_model(_one(models), settings.device_settings)
        own = UserPictures(home, embedder, chroma=settings.chroma, library=options.library)
        before = own.snapshot().table.num_rows
        try:
            outcome = own.add(
                options.paths,
                reading=ReadOptions(
                    options.licence,
                    options.image_column,
                    options.caption_column,
                    options.allow_urls,
                    allow_outside=options.allow_outside,
                    most=options.max,
                    policy=settings.licence_policy,
                    sensitive=settings.sensitive_results,
                    offline=settings.offline,
                    home=home,
                    tell=lambda text: say(f"note: {printable(text)}", file=sys.stderr),
                    mcp=partial(_image_search, settings),
                ),
                progress=lambda done, total: bars.update("adding", done, total),
                building=lambda done, total: bars.update("building the search index", done, total),
                on_wait=lambda text: say(text, file=sys.stderr),
                engine=options.engine,
            )
            fitted = calibrate_if_outdated(
                own, lambda done, total: bars.update("calibrating", done, total), options.shows
            )
            known = fitted or own.calibration_file.read()
            doubt = doubt_of_kind(own, _one(models), known.shows) if known and outcome.added else None
        except KeyboardInterrupt as ended:
            there = own.snapshot().table.num_rows
            raise Ended(
                status_of(ended),
                f"{max(there - before, 0)} pictures were added and are kept, {there} are there in all; give the same "
                "command again to go on",
            ) from ended
        finally:
            own.close()
    if options.json:
        summary = calibration_summary(fitted) if fitted else None
        document = {**asdict(outcome), "calibration": summary, "doubt": doubt}
        say_json(document, stdout)
        return 0
    say(f"added {outcome.added}, unchanged {outcome.unchanged}, removed {outcome.removed}", file=stdout)
    _print_some("skipped", [entry["reason"] for entry in outcome.skipped], stdout)
    _print_some("notes", [f"{entry['path']!r} {entry['note']}" for entry in outcome.notes], stdout)
    near = [f"{entry['path']!r} nearly looks like {entry['like']!r}" for entry in outcome.duplicates]
    _print_some("near-duplicates", near, stdout)
    if fitted is not None:
        say(in_words(fitted), file=stdout)
    if doubt is not None:
        say(f"note: {doubt}", file=stdout)
    return 0


def _remove(options: argparse.Namespace, home: Path, chroma: str | None, stdout: TextIO) -> int:
    from imagerag.index.user.removal import remove_pictures

    if bool(options.paths) == options.all:
        raise UserError(
            "index remove takes what was added, as in: imagerag index remove ~/pictures, or --all for the whole library"
        )
    removed = remove_pictures(
        home,
        None if options.all else options.paths,
        library=options.library,
        chroma=chroma,
        on_wait=lambda text: say(text, file=sys.stderr),
    )
    if options.json:
        say_json({"removed": removed, "library": options.library}, stdout)
        return 0
    for source, count in removed.items():
        say(f"removed {count} of {printable(source)}", file=stdout)
    say("the files themselves are untouched, and so is what was drawn with them", file=stdout)
    return 0


def _calibrate(
    options: argparse.Namespace, home: Path, settings: Settings, models: tuple[str, ...], stdout: TextIO
) -> int:
    from imagerag.embedders.registry import clip_model
    from imagerag.index.user import UserPictures
    from imagerag.index.user.calibrate import calibrate
    from imagerag.index.user.calibration_file import calibration_summary, in_words
    from imagerag.index.user.likely_kind import doubt_of_kind

    with loading_model(options.json, bytes_outside_run(settings)) as bars:
        embedder = clip_model(_one(models), settings.device_settings)
        own = UserPictures(home, embedder, chroma=settings.chroma, library=options.library)
        try:
            fitted = calibrate(own, lambda done, total: bars.update("calibrating", done, total), options.shows)
            doubt = doubt_of_kind(own, _one(models), fitted.shows)
        finally:
            own.close()
    if options.json:
        say_json(calibration_summary(fitted), stdout)
        return 0
    say(in_words(fitted), file=stdout)
    if doubt is not None:
        say(f"note: {doubt}", file=stdout)
    return 0


def _one(models: tuple[str, ...]) -> str:
    """Return the model with which to index.

    Raises:
        UserError: several are named.
    """
    if len(models) > 1:
        raise UserError(f"--lookup-model {','.join(models)!r} names several models; add with one at a time")
    return models[0]


def _verify(
    options: argparse.Namespace, home: Path, chroma: str | None, models: tuple[str, ...], stdout: TextIO
) -> int:
    from imagerag.embedders.clip import model_id_of
    from imagerag.index.user import verify_user_index

    result: dict[str, Any] = verify_user_index(home, model_id_of(_one(models)), chroma, options.library)
    if options.json:
        say_json(result, stdout)
    else:
        for name in ("pictures", "captions", "words"):
            say(f"{name}: {result[name]['known']} known, {result[name]['held']} held for search", file=stdout)
        if result["recall"] is not None:
            say(f"recall@10 of {result['sampled']} pictures: {result['recall']:.3f}", file=stdout)
        _print_some("problems", result["problems"], stdout)
        say("next: imagerag index rebuild" if result["problems"] else "all is well", file=stdout)
    return 1 if result["problems"] else 0


def _rebuilt(options: argparse.Namespace, home: Path, chroma: str | None) -> dict[str, object]:
    from imagerag.embedders.registry import embedded_clip
    from imagerag.index.bundled.chroma import ChromaIndex
    from imagerag.index.user import rebuild_user_index

    def told(text: str) -> None:
        say(text, file=sys.stderr)

    with loading_model(options.json) as bars:
        try:
            built = ChromaIndex(
                home, embedded_clip(), progress=lambda done, total: bars.update("indexing", done, total), on_wait=told
            )
            status = built.rebuild()
            built.close()
            for name in library_names(home):
                what = "indexing your own" if name == OWN else f"indexing {name}"
                rebuild_user_index(home, chroma, partial(bars.update, what), told, name)
        except KeyboardInterrupt as ended:
            raise Ended(status_of(ended), REBUILD_ENDED) from ended
    return status


def _print_some(what: str, lines: list[str], stdout: TextIO) -> None:
    if not lines:
        return
    say(f"{what} {len(lines)}:", file=stdout)
    for line in lines[:SHOWN]:
        say(f"  {printable(line)}", file=stdout)
    if len(lines) > SHOWN:
        say(f"  and {len(lines) - SHOWN} more; --json has them all", file=stdout)
