"""``imagerag search``: looking something up, in words, in JSON or as a page."""

import argparse
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from imagerag.attribution import credit_of
from imagerag.cli.progress import loading_model
from imagerag.cli.setting_flags import settings_of
from imagerag.cli.terminal import printable, say, say_json
from imagerag.errors import InvalidArgument, UserError
from imagerag.index.base import Hit
from imagerag.settings import load_settings
from imagerag.shell_words import quoted


def search(options: argparse.Namespace, stdout: TextIO) -> int:
    """Print what is most like the words, best first, and return the exit status.

    Raises:
        UserError: the words are empty, ``-k`` is below 1, a filter is not understood, or the index is damaged.
    """
    words = " ".join(options.words)
    try:
        hits, nearest = _hits(options, words)
    except InvalidArgument as error:
        raise UserError(f"{error}; see: imagerag search --help") from error
    found = [
        {
            "path": str(hit.path),
            "similarity": round(hit.similarity, 4),
            "caption": hit.title,
            "source": hit.source,
            "licence": hit.licence,
            "creator": hit.creator,
            "link": hit.link,
            "licence_link": hit.licence_link,
        }
        for hit in hits
    ]
    page = _write_page(words, found, options.html) if options.html is not None else None
    below = _below(nearest, options.floor)
    if options.json:
        say_json(found, stdout)
        if below:
            say(f"note: {below}", file=sys.stderr)
        return 0
    for entry in found:
        say(
            f"{entry['similarity']:.2f}  {printable(str(entry['caption']))}, {printable(credit_of(entry))}", file=stdout
        )
        say(f"      {entry['path']}", file=stdout)
    if not found:
        say(below or "the library has nothing for these words", file=stdout)
        say(f"to draw them: {quoted(['imagerag', 'draw', f'search {words}'])}", file=stdout)
    if page:
        say(f"page: {page}", file=stdout)
    return 0


def _below(nearest: Hit | None, floor: float | None) -> str:
    """Return what to say where all that there is lies below the floor; empty where that isn't so."""
    if nearest is None:
        return ""
    which = "the look-up floor" if floor is None else f"--floor {floor:g}"
    best = f"the nearest is {printable(nearest.title)!r} at {nearest.similarity:.2f}"
    return f"nothing is above {which} for these words ({best}); to see what is below it: --floor -1"


def _hits(options: argparse.Namespace, words: str) -> tuple[list[Hit], Hit | None]:
    """Return what is found; where that is nothing, also the nearest of what is below the floor, if there is any."""
    from imagerag.agent.registry import prompt_reader
    from imagerag.embedders.clip_names import check_clip_name
    from imagerag.graphs.libraries import open_index, searchable_libraries
    from imagerag.index.base import SearchOptions
    from imagerag.index.user import parse_where
    from imagerag.index.user_libraries import OWN
    from imagerag.profiles.downloads import bytes_outside_run
    from imagerag.profiles.resolve import resolve_lookup, resolve_lookup_floor
    from imagerag.profiles.soundness import BUNDLED, EMBEDDED_MODEL
    from imagerag.store.home import home_directory
    from imagerag.store.picture_decoding import read_picture

    if not 0 <= options.diverse <= 1:
        raise UserError(f"--diverse {options.diverse!r} is outside 0..1; 0 is off, 0.5 a good beginning")
    if options.floor is not None and options.floor != options.floor:  # nan, below which everything is
        raise UserError(f"--floor {options.floor!r} is no number; give a similarity such as 0.2, or leave it out")
    how = SearchOptions(
        where=parse_where(options.where),
        fused=options.fused or None,
        fold=options.fold_duplicates,
        diverse=options.diverse,
        like=read_picture(options.like) if options.like else None,
        floor=options.floor,
        tell=lambda text: say(f"note: {printable(text)}", file=sys.stderr),
    )
    asked = load_settings(settings_of(options))
    if options.lookup_model not in (None, EMBEDDED_MODEL) and asked.library is None:
        asked = replace(asked, library=(OWN,))  # the bundled library is searched by the embedded model alone
    names, models = resolve_lookup(asked)
    for model in models:
        check_clip_name(model)
    home = home_directory(asked.home)
    if options.k < 1:
        raise InvalidArgument(f"k {options.k!r} is below 1; ask for at least one reference")
    libraries, notes = searchable_libraries(home, names, models, asked.library is not None, offline=asked.offline)
    for note in notes:
        say(f"note: {note}", file=sys.stderr)
    with loading_model(options.json, bytes_outside_run(asked)):
        floor, device = resolve_lookup_floor(asked), asked.device_settings
        index = open_index(
            home,
            asked.chroma,
            models,
            floor,
            libraries=libraries,
            device=device,
            policy=asked.licence_policy,
            sensitive=asked.sensitive_results,
            mcp_server=asked.mcp_server,
            mcp_allow=asked.mcp_allow,
        )
        (found,) = index.search([words], options.k, how)
        if not found and BUNDLED in libraries:  # whose names are English
            read = prompt_reader().read_name(words)
            for note in read.notes:
                say(f"note: {note}", file=sys.stderr)
            if read.text != words:
                words = read.text
                (found,) = index.search([words], options.k, how)
        (below,) = [[]] if found else index.search([words], 1, replace(how, floor=-1.0))
        return found, below[0] if below else None


def _write_page(words: str, found: list[dict[str, object]], name: str) -> str:
    from imagerag.report.html import render_search
    from imagerag.store.files import cannot_read, write_whole

    stem = re.sub(r"[^\w]+", "-", words.lower()).strip("-")[:60] or "search"
    path = Path(name or f"{stem}.html").expanduser().absolute()
    try:
        page = render_search(words, found)
    except OSError as error:
        raise cannot_read(str(error.filename or path), error) from error
    write_whole(path, page.encode(), private=False)
    return str(path)
