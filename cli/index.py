"""``imagerag index``: adding pictures, calibrating on them, telling what is there, checking and building it anew."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, TextIO

from imagerag.cli.progress import loading_model
from imagerag.errors import UserError
from imagerag.settings import Settings, load_settings

SHOWN = 20
"""Lines of a report on the terminal; ``--json`` has them all."""


def index(options: argparse.Namespace, stdout: TextIO) -> int:
    """Look after the reference index, and return the exit status: 1 if ``verify`` found something wrong.

    Raises:
        UserError: the index is damaged (``status``), can't be written (``add``, ``rebuild``), or a path is wrong.
    """
    from imagerag.store.home import home_directory

    if options.paths and options.command != "add":
        raise UserError(f"{options.paths[0]!r} is of no use to index {options.command}; give it without a path")
    settings = load_settings({"home": options.home, "chroma": options.chroma})
    home = home_directory(settings.home)
    if options.command == "add":
        return _add(options, home, settings, stdout)
    if options.command == "calibrate":
        return _calibrate(options, home, settings, stdout)
    if options.command == "verify":
        return _verify(options, home, settings.chroma, stdout)
    from imagerag.index.bundled.chroma import index_status
    from imagerag.index.user import user_index_status
    from imagerag.index.user.calibration_file import in_words, stored_calibrations
    from imagerag.index.user.store import FOLDER

    status = _rebuilt(options, home, settings.chroma) if options.command == "rebuild" else index_status(home)
    own = user_index_status(home)
    status["skipped"] = own.pop("skipped")
    status["own"] = own
    # Of all there is; what is the library's alone is told besides.
    status["library"] = status["images"]
    status["images"] = int(str(status["images"])) + own["images"]
    status["model"] = status["model"] or ", ".join(own["models"]) or None
    if options.json:
        print(json.dumps(status, ensure_ascii=False), file=stdout, flush=True)
        return 0
    skipped = status.pop("skipped")
    del status["own"]
    for name, value in status.items():
        print(f"{name}: {'none' if value is None else value}", file=stdout)
    print(f"own pictures: {own['images']} in {own['files']} files", file=stdout)
    for source, count in own["sources"].items():
        print(f"  {count} from {source}", file=stdout)
    if own["models"]:
        print(f"  embedded with {', '.join(own['models'])}", file=stdout)
    for fitted in stored_calibrations(home / FOLDER):
        print(f"  {in_words(fitted)}", file=stdout)
    if own["near_duplicates"]:
        print(f"  {own['near_duplicates']} nearly look like another", file=stdout)
    _print_some("skipped", [entry["reason"] for entry in skipped], stdout)  # type: ignore[attr-defined]
    if not status["images"]:
        print("there is no index yet; the first look-up makes it, or: imagerag index rebuild", file=stdout)
    return 0


def _add(options: argparse.Namespace, home: Path, settings: Settings, stdout: TextIO) -> int:
    if not options.paths:
        raise UserError("index add needs a folder or file to add, for example: imagerag index add ~/pictures")
    from dataclasses import asdict

    from imagerag.embedders.registry import clip_model
    from imagerag.index.user import ReadOptions, UserPictures
    from imagerag.index.user.calibrate import calibrate_if_outdated
    from imagerag.index.user.calibration_file import calibration_summary, in_words

    with loading_model(options.json) as bars:
        own = UserPictures(home, clip_model(options.model, settings.device), chroma=settings.chroma)
        try:
            outcome = own.add(
                options.paths,
                reading=ReadOptions(options.licence, options.image_column, options.caption_column, options.allow_urls),
                progress=lambda done, total: bars.update("adding", done, total),
                building=lambda done, total: bars.update("building the search index", done, total),
                on_wait=lambda text: print(text, file=sys.stderr),
                engine=options.engine,
            )
            fitted = calibrate_if_outdated(own, lambda done, total: bars.update("calibrating", done, total))
        finally:
            own.close()
    if options.json:
        document = {**asdict(outcome), "calibration": calibration_summary(fitted) if fitted else None}
        print(json.dumps(document, ensure_ascii=False), file=stdout, flush=True)
        return 0
    print(f"added {outcome.added}, unchanged {outcome.unchanged}, removed {outcome.removed}", file=stdout)
    _print_some("skipped", [entry["reason"] for entry in outcome.skipped], stdout)
    _print_some("notes", [f"{entry['path']!r} {entry['note']}" for entry in outcome.notes], stdout)
    near = [f"{entry['path']!r} nearly looks like {entry['like']!r}" for entry in outcome.duplicates]
    _print_some("near-duplicates", near, stdout)
    if fitted is not None:
        print(in_words(fitted), file=stdout)
    return 0


def _calibrate(options: argparse.Namespace, home: Path, settings: Settings, stdout: TextIO) -> int:
    from imagerag.embedders.registry import clip_model
    from imagerag.index.user import UserPictures
    from imagerag.index.user.calibrate import calibrate
    from imagerag.index.user.calibration_file import calibration_summary, in_words

    with loading_model(options.json) as bars:
        own = UserPictures(home, clip_model(options.model, settings.device), chroma=settings.chroma)
        try:
            fitted = calibrate(own, lambda done, total: bars.update("calibrating", done, total))
        finally:
            own.close()
    if options.json:
        print(json.dumps(calibration_summary(fitted), ensure_ascii=False), file=stdout, flush=True)
    else:
        print(in_words(fitted), file=stdout)
    return 0


def _verify(options: argparse.Namespace, home: Path, chroma: str | None, stdout: TextIO) -> int:
    from imagerag.embedders.clip import model_id_of
    from imagerag.index.user import verify_user_index

    result: dict[str, Any] = verify_user_index(home, model_id_of(options.model), chroma)
    if options.json:
        print(json.dumps(result, ensure_ascii=False), file=stdout, flush=True)
    else:
        for name in ("pictures", "captions", "words"):
            print(f"{name}: {result[name]['known']} known, {result[name]['held']} held for search", file=stdout)
        if result["recall"] is not None:
            print(f"recall@10 of {result['sampled']} pictures: {result['recall']:.3f}", file=stdout)
        _print_some("problems", result["problems"], stdout)
        print("next: imagerag index rebuild" if result["problems"] else "all is well", file=stdout)
    return 1 if result["problems"] else 0


def _rebuilt(options: argparse.Namespace, home: Path, chroma: str | None) -> dict[str, object]:
    from imagerag.embedders.registry import embedded_clip
    from imagerag.index.bundled.chroma import ChromaIndex
    from imagerag.index.user import rebuild_user_index

    def told(text: str) -> None:
        print(text, file=sys.stderr)

    with loading_model(options.json) as bars:
        built = ChromaIndex(
            home, embedded_clip(), progress=lambda done, total: bars.update("indexing", done, total), on_wait=told
        )
        status = built.rebuild()
        built.close()
        rebuild_user_index(home, chroma, lambda done, total: bars.update("indexing your own", done, total), told)
    return status


def _print_some(what: str, lines: list[str], stdout: TextIO) -> None:
    if not lines:
        return
    print(f"{what} {len(lines)}:", file=stdout)
    for line in lines[:SHOWN]:
        print(f"  {line}", file=stdout)
    if len(lines) > SHOWN:
        print(f"  and {len(lines) - SHOWN} more; --json has them all", file=stdout)
