"""The default command: one run of the graph, told as it goes on, and handed over at its end."""

import argparse
import contextlib
import dataclasses
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast, get_args

from imagerag.cli.interrupt import Cancel, Ended, cancel_on_interrupt
from imagerag.cli.options import settings_of
from imagerag.cli.prompt import read_prompt
from imagerag.cli.result_file import copy_here, open_file
from imagerag.cli.terminal import say, say_json, say_path
from imagerag.credentials import without_credentials
from imagerag.errors import BudgetKind, Cancelled, UserError
from imagerag.garbage_collection import collection_paused
from imagerag.graphs.streaming import stream_run
from imagerag.profiles.resolve import RunSettings, resolve
from imagerag.settings import Settings, is_mcp_search, load_settings
from imagerag.store.home import home_directory
from imagerag.store.output_files import folder_refused, make_folder

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

    from imagerag.cli.run_printer import RunPrinter
    from imagerag.graphs.assembly import Graph
    from imagerag.graphs.state import Output
    from imagerag.report.json_document import About, Document

NO_IMAGE = 2
"""Exit status when a limit ended the run before anything was drawn."""


def draw(options: argparse.Namespace, stdout: TextIO) -> int:
    """Run the graph on the prompt, print the outcome to ``stdout``, and return the exit status.

    Raises:
        UserError: something the person has to put right first.
    """
    prompt = read_prompt(options.words)
    # From here on, since some libraries swallow the interrupt that comes while they are imported.
    with cancel_on_interrupt() as cancel:
        return _draw(prompt, options, stdout, cancel)


def _draw(prompt: str, options: argparse.Namespace, stdout: TextIO, cancel: Cancel) -> int:
    asked = load_settings(settings_of(options), file=Path(options.config) if options.config else None)
    thread = asked.thread or f"run-{secrets.token_hex(4)}"
    page_folder = _page_folder(options.html, asked)
    if asked.thread is None:  # else its own profile is known once its checkpoints are open
        with collection_paused():
            check_names(resolve(asked))
    if (
        options.pipeline == "one-pass"
        and asked.mcp_server
        and not any(map(is_mcp_search, (*(asked.library or ()), *(asked.facts or ()))))
    ):
        raise UserError("--pipeline one-pass calls no tools, so --mcp-server is of no use; leave one of them out")

    with collection_paused():
        from imagerag.cli.progress import ProgressBars
        from imagerag.cli.run_printer import PrinterConsole, RunPrinter
        from imagerag.report.json_document import document_of

    bars = ProgressBars(quiet=options.quiet)
    printer = RunPrinter(PrinterConsole(file=stdout), bars, silent=options.json or options.quiet)
    bars.busy("getting ready")
    asked = dataclasses.replace(asked, cancel=cancel)
    try:
        output, settings = _run(prompt, asked, thread, options.pipeline, printer)
    except Cancelled as error:  # while it waited for another run of its thread
        raise Ended(cancel.status) from error
    except UserError as error:
        if printer.kept is None:
            raise
        if options.json or options.quiet:  # no document has them, and they were not printed
            for text in printer.notes:
                say(f"note: {text}", file=sys.stderr)
        raise UserError(f"{error}; the best image so far is {printer.kept}") from error
    finally:
        bars.clear()
    about: About = {
        "pipeline": options.pipeline,
        "profile": settings.profile,
        "generator": without_credentials(settings.generator),
        "vlm": without_credentials(settings.vlm),
        "critic": without_credentials(settings.critic),
        "thread_id": thread,
        "notes": printer.notes,
        "stop_detail": printer.stopped,
    }
    document = document_of(output, about)

    def tell(text: str) -> None:
        if text:
            printer.note(text)
            if options.quiet:
                say(f"note: {text}", file=sys.stderr)

    drawn = document["image"] is not None and document["stop_reason"] != "answered"
    if drawn and asked.out is None and not options.no_copy:
        tell(copy_here(document, asked.file_name))
    if page_folder is not None:
        document["html"] = _write_page(document, page_folder, options.html, asked.file_name)
        printer.say(f"page: {document['html']}")
    if options.open and (shown := document["html"] or document["image"]):
        tell(open_file(shown))
    if options.json:
        say_json(document, stdout)
    elif document["answer"] is not None and options.quiet:
        say(document["answer"], file=sys.stderr)
    if not options.json and document["image"] is not None:
        if asked.thread is None and document["answer"] is None:
            printer.say(f'go on with: imagerag --thread {thread} "now make it blue"', "dim")
        say_path(document["image"], stdout)
    return _status(document, cancel)


def _status(document: "Document", cancel: Cancel) -> int:
    from imagerag.graphs.endings import ENDINGS

    if document["stop_reason"] == "cancelled":
        kept = f"the best image so far is {document['image']}" if document["image"] else "nothing was made yet"
        say(f"imagerag: cancelled; {kept}", file=sys.stderr)
        return cancel.status
    if document["stop_reason"] == "answered":
        return 0
    if document["image"] is None:
        why = document["stop_detail"] or document["stop_reason"]
        limited = document["stop_reason"] in get_args(BudgetKind) and why == ENDINGS[document["stop_reason"]]
        advice = "; raise that limit, see: imagerag --help" if limited else ""
        say(f"imagerag: no image of {document['prompt']!r} was made: {why}{advice}", file=sys.stderr)
        return NO_IMAGE
    return 0


def _run(
    prompt: str, asked: Settings, thread: str, pipeline: str, printer: "RunPrinter"
) -> "tuple[Output, RunSettings]":
    """Stream the graph to its end; what libraries print goes to stderr, since stdout is for the result alone.

    Returns:
        the outcome, and the settings of the run, in which nothing is left open.
    """
    with (
        contextlib.redirect_stdout(sys.stderr),
        _open_graph(asked, pipeline) as graph,
    ):
        config: RunnableConfig = {"configurable": {"thread_id": thread}}
        before = graph.get_state(config).values
        printer.know(before.get("all_references", ()))
        settings = resolve(asked, before.get("profile"))
        if asked.thread is not None:
            check_names(settings)
        return cast("Output", stream_run(graph, {"prompt": prompt}, config, settings, printer.tell)), settings


@contextlib.contextmanager
def _open_graph(settings: Settings, pipeline: str) -> "Iterator[Graph]":
    """Build the graph over the data directory's checkpoints.

    Raises:
        UserError: the checkpoints can't be opened or written.
    """
    with collection_paused():
        from imagerag.graphs.agent_graph import build_graph
        from imagerag.graphs.checkpointer import open_checkpointer

    with open_checkpointer(home_directory(settings.home)) as saver:
        if pipeline == "one-pass":
            from imagerag.graphs.one_pass import build_one_pass

            yield build_one_pass(checkpointer=saver)
        else:
            yield build_graph(checkpointer=saver)


def check_names(settings: RunSettings) -> None:
    """Refuse unknown parts before any is loaded, which takes seconds.

    Raises:
        UserError: naming the part and those there are.
    """
    from imagerag.agent import registry
    from imagerag.profiles.names import check_parts

    check_parts(settings)
    registry.check_names(settings.vlm, settings.critic, settings.device_settings)


def _page_folder(page: str | None, settings: Settings) -> Path | None:
    if page is None:
        return None
    if not page:
        return make_folder(settings.out or ".").absolute()
    if Path(page).is_dir():
        raise UserError(f"--html {page!r} is a folder; give the page a name: --html {str(Path(page) / 'run.html')!r}")
    return make_folder(Path(page).parent).absolute()


def _write_page(document: "Document", folder: Path, page: str, name: str | None) -> str:
    from imagerag.report.html import render_page
    from imagerag.store.output_files import readable_name, write_new

    stem = Path(page).stem if page else name or readable_name(document["prompt"])
    suffix = Path(page).suffix if page else ".html"
    try:
        content = render_page(document)
    except OSError as error:
        raise folder_refused(folder, error) from error
    return str(write_new(folder, stem, suffix, content.encode("utf-8", "replace")))
