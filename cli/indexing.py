"""``imagerag index``: what is indexed and with which model, and making the index anew."""

import argparse
import contextlib
import json
import sys
from typing import TextIO

from imagerag.graphs.context import load_context


def index(options: argparse.Namespace, stdout: TextIO) -> int:
    """Print the status of the reference index, after rebuilding it if asked to, and return the exit status.

    Raises:
        UserError: the index is damaged (``status``), or can't be written (``rebuild``).
    """
    from imagerag.index.chroma import ChromaIndex, index_status
    from imagerag.store.home import home_directory

    home = home_directory(load_context({"home": options.home}).home)
    if options.action == "status":
        status = index_status(home)
    else:
        from imagerag.cli.progress import ProgressBars
        from imagerag.engines.providers import embedded_clip

        bars = ProgressBars(quiet=options.json)
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
    if options.json:
        print(json.dumps(status, ensure_ascii=False), file=stdout, flush=True)
        return 0
    for name, value in status.items():
        print(f"{name}: {'none' if value is None else value}", file=stdout)
    if not status["images"]:
        print("there is no index yet; the first look-up makes it, or: imagerag index rebuild", file=stdout)
    return 0
