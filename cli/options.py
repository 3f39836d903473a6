"""What can be typed after each command: the options that are no settings, and which settings it takes."""

import argparse
from collections.abc import Sequence
from typing import Any

from imagerag import __version__
from imagerag.cli.setting_flags import add_setting, add_settings, close_page_flag, number, settings_of, whole
from imagerag.cli.strict_parser import Parser
from imagerag.declaration import GROUPS, SERVER_ONLY, Group
from imagerag.errors import UserError
from imagerag.settings import DECLARED

__all__ = ["draw_parser", "parse_draw", "settings_of"]

PIPELINES = ("agent", "one-pass")
SHELLS = ("bash", "zsh", "fish", "powershell", "tcsh")
SERVER_GROUPS: tuple[Group, ...] = ("models", "lookup", "limits", "places", "upkeep")
DRAWING_GROUPS: tuple[Group, ...] = tuple(group for group in GROUPS if group not in SERVER_ONLY)
"""A server has one engine for all clients; its limits are the most that a client can ask for."""


DRAW_PARSER: dict[str, Any] = {
    "usage": 'imagerag [draw] "PROMPT" [options]',
    "see": "imagerag draw --help (for other commands: imagerag --help)",
}
"""How its parser is made; a misspelt command ends there, too."""


def draw_parser() -> Parser:
    """Return the parser of the default command by itself."""
    parser = Parser(prog="imagerag draw", **DRAW_PARSER)
    add_draw(parser)
    return parser


def add_draw(parser: Parser) -> None:
    """Add the arguments of ``imagerag draw``, which is also what the command line means without a command."""
    parser.add_argument("words", nargs="*", metavar="PROMPT", help="what to draw; - reads it from standard input")
    add_version(parser)
    groups = add_settings(parser, DRAWING_GROUPS)
    groups["models"].add_argument(
        "--pipeline",
        default="agent",
        metavar="NAME",
        help="agent, or one-pass: the fixed pipeline of the ImageRAG paper (default: agent)",
    )
    output = groups["output"]
    output.add_argument("--json", action="store_true", help="print one JSON object instead of progress in words")
    output.add_argument(
        "--html",
        metavar="FILE",
        help="write a page of the run; FILE ends in .html and can be left out (default: none)",
    )
    output.add_argument("--quiet", action="store_true", help="print only the image's path")
    output.add_argument("--open", action="store_true", help="show the image when it is there, or the page of --html")
    output.add_argument(
        "--no-copy",
        action="store_true",
        help="leave the image in the data directory (default: the best one is copied to the current folder)",
    )
    add_config(groups["places"])


def parse_draw(argv: Sequence[str], parser: Parser | None = None) -> argparse.Namespace:
    """Parse the arguments of the default command; ``words`` holds the prompt's words in order.

    Words and flags may be mixed, and all that follows ``--`` belongs to the prompt; ``typed`` holds those before it.

    Raises:
        UserError: an unknown flag, or a value of the wrong type.
    """
    end = argv.index("--") if "--" in argv else len(argv)
    options = (parser or draw_parser()).parse_intermixed_args(close_page_flag(argv[:end]))
    options.typed = list(options.words)
    options.words += argv[end + 1 :]
    if options.pipeline not in PIPELINES:
        raise UserError(f"pipeline {options.pipeline!r} is not known; give --pipeline one of: {', '.join(PIPELINES)}")
    return options


def add_version(group: Any) -> None:
    """Add ``--version``."""
    group.add_argument(
        "--version", action="version", version=f"imagerag {__version__}", help="print the version and exit"
    )


def add_config(group: Any) -> None:
    """Add the settings file."""
    group.add_argument("--config", metavar="FILE", help="settings file in TOML (default: none)")


def add_batch(parser: Parser) -> None:
    """Add the arguments of ``imagerag batch``."""
    parser.add_argument("file", metavar="FILE", help="prompts, and settings of each, as .txt, .csv or .jsonl")
    image = tuple(name for name, one in DECLARED.items() if one.group == "image" and name != "thread")
    groups = add_settings(parser, SERVER_GROUPS, also=image)
    output = parser.add_argument_group("output")
    output.add_argument(
        "--out",
        metavar="DIR",
        help="folder of the images, the page and the journal (default: FILE without its ending, "
        "numbered where another file has it)",
    )
    output.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    output.add_argument("--open", action="store_true", help="show the page when all is drawn")
    add_config(groups["places"])


def add_replay(parser: Parser) -> None:
    """Add the arguments of ``imagerag replay``."""
    parser.add_argument("file", metavar="FILE.png", help="an image that imagerag made")
    parser.add_argument("--out", metavar="DIR", help="write the new drawing there (default: compare only)")
    parser.add_argument(
        "--generator",
        metavar="NAME",
        help="the generator that the image names, said again: any but an embedded one draws only then, since the file "
        "may be anybody's (default: the embedded one that it names)",
    )
    parser.add_argument(
        "--lora",
        action="append",
        metavar="NAME[:WEIGHT]",
        help="LoRA weights that the image names, said again, in their order (default: none)",
    )
    _add_usual(parser)


def add_inspect(parser: Parser) -> None:
    """Add the arguments of ``imagerag inspect``."""
    parser.add_argument("file", metavar="FILE", help="a PNG, JPEG or WebP, anybody's")
    parser.add_argument(
        "--trust",
        metavar="FILE",
        help="certificates of authorities to be trusted, PEM (default: none is; a signature is then only told to be "
        "whole)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_credits(parser: Parser) -> None:
    """Add the arguments of ``imagerag credits``."""
    parser.add_argument("file", metavar="FILE", help="an image that imagerag made, or a copy of one: PNG, JPEG or WebP")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_index_add(parser: Parser) -> None:
    """Add the arguments of ``imagerag index add``."""
    parser.add_argument("paths", nargs="*", metavar="SOURCE", help="folders, files or KIND:WHAT to add")
    parser.add_argument(
        "--licence", default="unknown", metavar="ID", help="licence of what is added (default: unknown)"
    )
    parser.add_argument(
        "--caption-column", metavar="NAME", help="captions in tables (default: the first of caption, text and alt)"
    )
    parser.add_argument(
        "--image-column", metavar="NAME", help="pictures in tables, or paths to them (default: image, path ...)"
    )
    parser.add_argument(
        "--engine",
        default="threads",
        metavar="NAME",
        help="what reads and embeds: threads of this process, ray, or ray:ADDRESS of a cluster (default: threads)",
    )
    parser.add_argument("--allow-urls", action="store_true", help="fetch pictures that are named by https address")
    parser.add_argument(
        "--allow-outside",
        action="store_true",
        help="read what links, tables and paths with .. name outside a source's own folder, too",
    )
    parser.add_argument(
        "--max",
        type=whole,
        default=100,
        metavar="N",
        help="pictures that are taken of a web source, as of openverse:'scarlet ibis' (default: 100)",
    )
    for name in ("licences", "offline", "sensitive_results", "mcp_server"):
        add_setting(parser, name)
    _add_shows(parser)
    _add_library(parser)
    _add_model(parser)
    add_setting(parser, "chroma")
    _add_usual(parser)


def add_index_remove(parser: Parser) -> None:
    """Add the arguments of ``imagerag index remove``."""
    parser.add_argument("paths", nargs="*", metavar="SOURCE", help="what was added, or a file or folder in it")
    parser.add_argument("--all", action="store_true", help="everything in the library")
    _add_library(parser)
    add_setting(parser, "chroma")
    _add_usual(parser)
    _accept_index_options(parser)


def add_index_status(parser: Parser) -> None:
    """Add the arguments of ``imagerag index status``."""
    _add_usual(parser)
    _accept_index_options(parser)


def add_index_verify(parser: Parser) -> None:
    """Add the arguments of ``imagerag index verify``."""
    _add_library(parser)
    _add_model(parser)
    add_setting(parser, "chroma")
    _add_usual(parser)
    _accept_index_options(parser)


def add_index_calibrate(parser: Parser) -> None:
    """Add the arguments of ``imagerag index calibrate``."""
    _add_shows(parser)
    _add_library(parser)
    _add_model(parser)
    add_setting(parser, "chroma")
    _add_usual(parser)
    _accept_index_options(parser)


def _add_shows(parser: Parser) -> None:
    parser.add_argument(
        "--shows",
        choices=("photographs", "pictograms"),
        help="what the library's pictures are, which a critic's figures hold for (default: what was said before, or "
        "photographs)",
    )


def add_index_rebuild(parser: Parser) -> None:
    """Add the arguments of ``imagerag index rebuild``."""
    add_setting(parser, "chroma")
    _add_usual(parser)
    _accept_index_options(parser)


def _accept_index_options(parser: Parser) -> None:
    """Accept, without listing them, the options of ``index add`` that this command ignores.

    Scripts give the same options to all index commands.
    """
    every = Parser(prog=parser.prog, add_help=False)
    add_index_add(every)
    listed = {action.dest for action in parser._actions}
    for action in every._actions:
        if action.dest not in listed:
            action.help = argparse.SUPPRESS
            parser._add_action(action)


def add_search(parser: Parser) -> None:
    """Add the arguments of ``imagerag search``."""
    parser.add_argument("words", nargs="+", metavar="WORDS", help="what to look for")
    parser.add_argument("-k", type=whole, default=8, metavar="N", help="how many pictures (default: 8)")
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="only pictures whose licence, caption, title or source is VALUE; FIELD~PART: contains PART; can be "
        "repeated",
    )
    parser.add_argument(
        "--fused", action="store_true", help="rank your own by similarity and by the words of the caption (BM25)"
    )
    parser.add_argument("--fold-duplicates", action="store_true", help="of your own near-duplicates only the best")
    parser.add_argument(
        "--diverse",
        type=number,
        default=0.0,
        metavar="X",
        help="how different from each other your own are (0..1; default: 0)",
    )
    parser.add_argument(
        "--floor",
        type=number,
        metavar="X",
        help="leave out what is less similar (cosine; default: as a run does; -1 leaves nothing out)",
    )
    parser.add_argument("--like", metavar="FILE", help="your own pictures that look like this one come first")
    parser.add_argument("--html", metavar="FILE", help="write a page; FILE ends in .html and can be left out")
    _add_model(parser, "; to search with several, separate them by commas")
    for name in ("library", "licences", "offline", "sensitive_results", "mcp_server"):
        add_setting(parser, name)
    add_setting(parser, "chroma")
    _add_usual(parser, "list")


def parse_search(argv: Sequence[str], parser: Parser) -> argparse.Namespace:
    """Parse the arguments of ``imagerag search``."""
    return parser.parse_args(close_page_flag(argv))


def add_mcp(parser: Parser) -> None:
    """Add the arguments of ``imagerag mcp``."""
    parser.add_argument("--http", action="store_true", help="serve streamable HTTP instead (default: stdio)")
    _add_address(parser, 8001)
    _add_server_settings(parser)


def add_serve(parser: Parser) -> None:
    """Add the arguments of ``imagerag serve``."""
    group = _add_address(parser, 8000)
    group.add_argument(
        "--allow-fetch",
        action="store_true",
        help="fetch pictures that clients name by a public address (default: refuse)",
    )
    _add_server_settings(parser)


def add_web(parser: Parser) -> None:
    """Add the arguments of ``imagerag web``, which is the same server."""
    parser.add_argument("--no-browser", action="store_true", help="print the page's address and open no browser")
    add_serve(parser)


def add_chat(parser: Parser) -> None:
    """Add the arguments of ``imagerag chat``."""
    parser.add_argument(
        "--inline",
        default="auto",
        metavar="HOW",
        help="pictures in the terminal: auto, kitty, iterm2, sixel or none (default: auto)",
    )
    parser.add_argument(
        "--no-copy",
        action="store_true",
        help="leave images in the data directory (default: the best of each turn is copied to the current folder)",
    )
    _add_engine_settings(parser, SERVER_GROUPS, "thread")


def _add_server_settings(parser: Parser) -> None:
    _add_engine_settings(parser, (*SERVER_GROUPS, "clients"))


def _add_engine_settings(parser: Parser, groups: Sequence[Group], *also: str) -> None:
    add_config(add_settings(parser, groups, also=("n", *also))["places"])


def add_profiles_list(parser: Parser) -> None:
    """Add the arguments of ``imagerag profiles list``."""
    add_settings(parser, (), also=("generator", "vlm", "device", "dtype", "memory", "vlm_memory"))
    _add_usual(parser, "list")


def add_profiles_show(parser: Parser) -> None:
    """Add the arguments of ``imagerag profiles show``."""
    parser.add_argument("named", nargs="?", metavar="PROFILE", help="the profile, as --profile names it")
    add_config(
        add_settings(parser, ("models", "lookup", "limits", "places"), also=("size", "aspect", "thread"))["places"]
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_doctor(parser: Parser) -> None:
    """Add the arguments of ``imagerag doctor``."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_config(
        add_settings(
            parser,
            ("models", "lookup", "limits", "places"),
            also=("n", "size", "aspect", "subject", "out", "thread"),
        )["places"]
    )


def add_plugins(parser: Parser) -> None:
    """Add the arguments of ``imagerag plugins``."""
    parser.add_argument("--json", action="store_true", help="print one JSON list")


def add_models(parser: Parser) -> None:
    """Add the arguments of ``imagerag models``."""
    parser.add_argument(
        "model", nargs="*", metavar="NAME", help="a preset, a model id or a folder (default: every preset)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON list")


def add_completion(parser: Parser) -> None:
    """Add the arguments of ``imagerag completion``."""
    parser.add_argument("shell", choices=SHELLS, help=f"one of: {', '.join(SHELLS)}", metavar="SHELL")


def add_threads_list(parser: Parser) -> None:
    """Add the arguments of ``imagerag threads list``."""
    _add_usual(parser, "list")


def add_thread(parser: Parser) -> None:
    """Add the arguments of a command on one conversation."""
    parser.add_argument("name", metavar="THREAD", help="the conversation, as --thread names it")
    _add_usual(parser)


def add_thread_rename(parser: Parser) -> None:
    """Add the arguments of ``imagerag threads rename``."""
    parser.add_argument("name", metavar="THREAD", help="the conversation, as --thread names it")
    parser.add_argument("new", metavar="NEW", help="its new name: up to 64 letters, digits, _, . or -")
    _add_usual(parser)


def add_threads_delete(parser: Parser) -> None:
    """Add the arguments of ``imagerag threads delete``."""
    parser.add_argument("names", nargs="+", metavar="THREAD", help="the conversations, as --thread names them")
    _add_usual(parser)


def add_thread_export(parser: Parser) -> None:
    """Add the arguments of ``imagerag threads export``."""
    add_thread(parser)
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="the new folder; with a number where it is there (default: the conversation's name)",
    )


def add_gc(parser: Parser) -> None:
    """Add the arguments of ``imagerag gc``."""
    parser.add_argument("--yes", action="store_true", help="remove it; without this, only tell what would go")
    parser.add_argument(
        "--older-than",
        type=number,
        metavar="DAYS",
        help="conversations nobody has gone on with for so long, and what only they refer to (default: --keep-days)",
    )
    add_setting(parser, "keep_days")
    add_config(parser)
    _add_usual(parser)


def _add_usual(parser: Parser, prints: str = "object") -> None:
    parser.add_argument("--json", action="store_true", help=f"print one JSON {prints}")
    add_setting(parser, "home")


def _add_library(parser: Parser) -> None:
    parser.add_argument(
        "--library", default="own", metavar="NAME", help="library of your own, made by its first use (default: own)"
    )


def _add_model(parser: Parser, more: str = "") -> None:
    add_setting(parser, "profile")
    parser.add_argument(
        DECLARED["lookup_model"].flag,
        "--model",
        dest="lookup_model",
        metavar="NAME",
        help="CLIP model for your own pictures: any open_clip model, as in ViT-B-32:laion2b_s34b_b79k or "
        f"MODEL:CHECKPOINT.pt{more}; --model says the same (default: the profile's; of pictograms embedded)",
    )


def _add_address(parser: Parser, port: int) -> Any:
    group = parser.add_argument_group("address and access")
    group.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on; any that others can reach needs a token (default: 127.0.0.1)",
    )
    group.add_argument(
        "--port", type=whole, default=port, metavar="N", help=f"port; 0 takes a free one (default: {port})"
    )
    group.add_argument(
        "--token-file",
        metavar="FILE",
        help="tokens that admit clients, one a line, besides IMAGERAG_TOKEN (default: none)",
    )
    group.add_argument(
        "--public-url",
        metavar="URL",
        help="address at which clients reach this server, if behind a proxy (default: none)",
    )
    group.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="web pages of that origin may send requests, as in https://chat.example.org; may be given several times; "
        "* for any, which needs a token (default: this server's own page)",
    )
    group.add_argument(
        "--max-waiting", type=whole, default=64, metavar="N", help="requests that may wait in all (default: 64)"
    )
    return group
