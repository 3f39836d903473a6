"""What can be typed: the parsers of the three commands, and the help they print."""

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from imagerag import __version__
from imagerag.device_settings import DTYPES, MEMORY_MODES
from imagerag.errors import UserError
from imagerag.records import MODES
from imagerag.settings import SETTINGS, Settings

COMMANDS = ("draw", "replay", "index", "search", "mcp", "serve", "web", "chat")
PIPELINES = ("agent", "one-pass")
WEB_PAGE = (".html", ".htm")

_DEFAULTS = Settings()

_EXAMPLES = """\
other commands:
  imagerag replay FILE.png           draw an image again from the manifest it carries, and compare
  imagerag index add FOLDER          let it look things up in your own pictures, too
  imagerag index status|verify|rebuild   look after the reference index
  imagerag search "a red kite"       look something up
  imagerag mcp                       serve the tools to MCP clients
  imagerag chat                      chat in the terminal
  imagerag web                       chat in the browser
  imagerag serve                     serve OpenAI-compatible HTTP, and MCP at /mcp
  imagerag draw index                draw a prompt that is also the name of a command

examples:
  imagerag "a lobster in a kimono"
  imagerag "an owl" --out owls --html --n 4 --seed 7
  imagerag "my cat on the moon" --subject cat.png
  imagerag --thread sea "a lobster";  imagerag --thread sea "now put it on the moon"
  echo "a red kite" | imagerag - --json

Every setting is also a variable (--max-steps is IMAGERAG_MAX_STEPS) and a name in the --config file (max_steps).
A flag goes before a variable, a variable before the file, the file before the default.
Exit status: 0 a picture was made, 1 a replay differs, 2 something has to be put right first, 130 cancelled.
"""


class Parser(argparse.ArgumentParser):
    """An argument parser that reports a mistake as one ``UserError`` and never guesses at abbreviations."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            allow_abbrev=False, add_help=False, formatter_class=argparse.RawDescriptionHelpFormatter, **settings
        )
        self.add_argument("-h", "--help", action="help", help="print this and end")

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage."""
        raise UserError(f"{message}; see: {self.prog} --help")


def draw_parser() -> Parser:
    """Return the parser of the default command."""
    parser = Parser(
        prog="imagerag",
        usage='imagerag [draw] "PROMPT" [options]',
        description="Draw a picture, look at it critically, look up what is missing, and draw it again.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("words", nargs="*", metavar="PROMPT", help="what to draw; - reads it from standard input")
    parser.add_argument("--version", action="version", version=f"imagerag {__version__}")

    parts = _add_parts(parser)
    parts.add_argument(
        "--pipeline",
        default="agent",
        metavar="NAME",
        help="agent, or one-pass: the fixed pipeline of the ImageRAG paper (default: agent)",
    )

    picture = parser.add_argument_group("what is drawn")
    _setting(picture, "seed", _whole, "N", "seed of the first candidate", "random")
    _setting(picture, "n", _whole, "N", "candidates per generation; the critic picks")
    picture.add_argument(
        "--subject",
        action="append",
        metavar="FILE",
        help="a picture of your own to draw with; can be given several times",
    )
    _setting(picture, "thread", str, "NAME", "conversation to begin or to go on with", "a new one")

    _add_limits(parser)

    output = parser.add_argument_group("output")
    _setting(output, "out", str, "DIR", "copy the run's images there under readable names", "none")
    output.add_argument("--json", action="store_true", help="print one JSON object instead of the story")
    output.add_argument(
        "--html",
        metavar="FILE",
        help="write a page of the run; FILE ends in .html and can be left out (default: none)",
    )
    output.add_argument("--quiet", action="store_true", help="no progress and no story, only the image's path")

    _add_places(parser)
    return parser


def replay_parser() -> Parser:
    """Return the parser of ``imagerag replay``."""
    parser = Parser(
        prog="imagerag replay",
        description="Draw an image again from the manifest it carries and compare the pixels.",
        epilog="Exit status: 0 identical, 1 different, 2 it can't be drawn again here.",
    )
    parser.add_argument("file", metavar="FILE.png", help="an image that imagerag made")
    parser.add_argument("--out", metavar="DIR", help="write the new drawing there (default: compare only)")
    _add_usual(parser)
    return parser


def index_parser() -> Parser:
    """Return the parser of ``imagerag index``."""
    parser = Parser(
        prog="imagerag index",
        description="Look after the index of reference images.",
        epilog="add takes folders and files of your own, and webdataset:, img2dataset:, hf-parquet:, csv: and "
        "jsonl:, as in hf-parquet:shards/*.parquet; again and again: only what changed is embedded; status tells "
        "what is indexed and with which model; verify compares the search index with what is kept; rebuild makes "
        "it anew, without embedding again.",
    )
    parser.add_argument("action", metavar="add|status|verify|rebuild", choices=("add", "status", "verify", "rebuild"))
    parser.add_argument("paths", nargs="*", metavar="SOURCE", help="folders, files or KIND:WHAT to add")
    parser.add_argument(
        "--licence", default="unknown", metavar="ID", help="licence of what is added (default: unknown)"
    )
    parser.add_argument("--caption-column", metavar="NAME", help="of tables (default: caption, text or alt)")
    parser.add_argument(
        "--image-column", metavar="NAME", help="of tables: pictures, or paths to them (default: image, path ...)"
    )
    _add_index_places(parser)
    parser.add_argument(
        "--engine",
        default="threads",
        metavar="NAME",
        help="what reads and embeds: threads of this process, ray, or ray:ADDRESS of a cluster (default: threads)",
    )
    parser.add_argument("--allow-urls", action="store_true", help="fetch pictures that are named by https address")
    _add_usual(parser)
    return parser


def _add_index_places(parser: Parser) -> None:
    parser.add_argument(
        "--model",
        default="embedded",
        metavar="NAME",
        help="for your own pictures: any open_clip model, as in ViT-B-32:laion2b_s34b_b79k or MODEL:CHECKPOINT.pt; "
        "to search with several, commas between",
    )
    parser.add_argument("--chroma", metavar="URL", help="Chroma server for your own pictures (IMAGERAG_CHROMA)")


def search_parser() -> Parser:
    """Return the parser of ``imagerag search``."""
    parser = Parser(
        prog="imagerag search",
        description="Look something up in the bundled library and your own pictures.",
        epilog='to draw a prompt that begins with this word: imagerag draw "search party"',
    )
    parser.add_argument("words", nargs="+", metavar="WORDS", help="what to look for")
    parser.add_argument("-k", type=int, default=8, metavar="N", help="how many pictures (default: 8)")
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="only pictures whose licence, caption, title or source is VALUE; FIELD~PART: has PART in it; repeatable",
    )
    parser.add_argument("--fused", action="store_true", help="rank your own by look and by the caption's words (BM25)")
    parser.add_argument("--fold-duplicates", action="store_true", help="of your own near-duplicates only the best")
    parser.add_argument(
        "--diverse", type=float, default=0.0, metavar="X", help="0..1, how unlike each other your own are (default: 0)"
    )
    parser.add_argument(
        "--floor", type=float, default=-1.0, metavar="X", help="leave out what is less similar (default: nothing)"
    )
    parser.add_argument("--like", metavar="FILE", help="your own pictures that look like this one, too, come first")
    parser.add_argument("--html", metavar="FILE", help="write a page; FILE ends in .html and can be left out")
    _add_index_places(parser)
    _add_usual(parser, "list")
    return parser


def mcp_parser() -> Parser:
    """Return the parser of ``imagerag mcp``."""
    parser = Parser(
        prog="imagerag mcp",
        description="Serve the tools to MCP clients, over standard input and output, or over HTTP at /mcp.",
    )
    parser.add_argument("--http", action="store_true", help="serve streamable HTTP instead (default: stdio)")
    _add_address(parser, 8001)
    _add_door(parser)
    return parser


def serve_parser(command: str = "serve") -> Parser:
    """Return the parser of ``imagerag serve`` and ``imagerag web``, which are one server."""
    parser = Parser(
        prog=f"imagerag {command}",
        description="Serve the chat page, OpenAI-compatible HTTP under /v1, and MCP at /mcp if it is installed.",
    )
    group = _add_address(parser, 8000)
    group.add_argument(
        "--allow-fetch",
        action="store_true",
        help="fetch pictures that clients name by a public address (default: refuse)",
    )
    if command == "web":
        group.add_argument("--no-browser", action="store_true", help="open no browser, only say where the page is")
    _add_door(parser)
    return parser


def chat_parser() -> Parser:
    """Return the parser of ``imagerag chat``."""
    parser = Parser(prog="imagerag chat", description="Draw in a conversation; /help tells what can be said.")
    _setting(parser, "thread", str, "NAME", "conversation to begin or to go on with", "a new one")
    parser.add_argument(
        "--inline",
        default="auto",
        metavar="HOW",
        help="pictures in the terminal: auto, kitty, iterm2, sixel or none (default: auto)",
    )
    _add_door(parser)
    return parser


def _add_usual(parser: Parser, prints: str = "object") -> None:
    """Add what every word but the default one takes."""
    parser.add_argument("--json", action="store_true", help=f"print one JSON {prints}")
    parser.add_argument("--home", metavar="DIR", help="data directory (IMAGERAG_HOME)")


def _add_address(parser: Parser, port: int) -> Any:
    group = parser.add_argument_group("where clients come in")
    group.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on; any that others can reach needs a token (default: 127.0.0.1)",
    )
    group.add_argument(
        "--port", type=_whole, default=port, metavar="N", help=f"port; 0 takes a free one (default: {port})"
    )
    group.add_argument(
        "--token-file",
        metavar="FILE",
        help="tokens that let clients in, one a line, besides IMAGERAG_TOKEN (default: none)",
    )
    group.add_argument(
        "--public-url", metavar="URL", help="where clients reach this server, if behind a proxy (default: none)"
    )
    group.add_argument(
        "--max-waiting", type=_whole, default=64, metavar="N", help="requests that may wait in all (default: 64)"
    )
    return group


def _add_door(parser: Parser) -> None:
    """Add what every door takes; its limits are the most that a client can ask for."""
    _setting(_add_parts(parser), "n", _whole, "N", "candidates per generation; the critic picks")
    _add_limits(parser)
    _add_places(parser)


def _add_parts(parser: Parser) -> Any:
    parts = parser.add_argument_group("who draws and who judges")
    _setting(parts, "generator", str, "NAME", "the image generator")
    _setting(parts, "device", str, "NAME", "where local models compute: cpu, cuda, mps ...")
    _setting(parts, "dtype", str, "NAME", f"their numbers: {', '.join(DTYPES)}")
    _setting(parts, "memory", str, "MODE", f"their weights in memory: {', '.join(MEMORY_MODES)}")
    _setting(parts, "vlm", str, "NAME", "the chat model that decides; rules is a rule-based policy, no VLM")
    parts.add_argument(
        "--vlm-text-only",
        action="store_true",
        default=None,
        help="the chat model takes no images: tell it in words what they show (default: ask its profile)",
    )
    parts.add_argument(
        "--mcp-server",
        action="append",
        metavar="SERVER",
        help="an MCP server whose tools the chat model may call: 'COMMAND ARGS' or an address, whose token is taken "
        "from the variable IMAGERAG_MCP_TOKEN_HOST_PORT; repeatable",
    )
    parts.add_argument(
        "--mcp-allow", action="append", metavar="NAME,...", help="which of its tools; no other one is offered"
    )
    _setting(parts, "critic", str, "NAME", "the critic that judges every image")
    _setting(parts, "image_size", _whole, "N", "longer side in pixels of images sent to models", "what each takes")
    _setting(parts, "lookup_model", str, "NAME", "CLIP model that searches your own pictures; several by commas: fused")
    _setting(parts, "lookup_floor", _number, "X", "similarity below which nothing is looked up", "0.45 of embedded")
    _setting(parts, "lookup_diverse", _number, "X", "0..1, how unlike each other the own pictures found are")
    _setting(parts, "rerank", str, "HOW", "what puts references in a better order: none, vlm, or subject")
    _setting(parts, "mode", str, "MODE", f"one of {', '.join(MODES)}")
    return parts


def _add_limits(parser: Parser) -> None:
    limits = parser.add_argument_group("limits; whichever is reached first ends the run with the best image so far")
    _setting(limits, "max_steps", _whole, "N", "decisions of the chat model")
    _setting(limits, "max_generations", _whole, "N", "batches drawn")
    _setting(limits, "max_seconds", _number, "S", "seconds by the clock")
    _setting(limits, "max_tokens", _whole, "N", "model tokens", "no limit")
    _setting(
        limits, "max_money", _number, "USD", "US dollars; IMAGERAG_PRICES names a file of your own prices", "no limit"
    )


def _add_places(parser: Parser) -> None:
    places = parser.add_argument_group("places")
    _setting(
        places,
        "chroma",
        str,
        "URL",
        "Chroma server that holds the search index of your own pictures",
        "a folder in --home",
    )
    _setting(places, "record", str, "FILE", "write every exchange with a model there, to replay:FILE it", "none")
    _setting(places, "home", str, "DIR", "data directory (IMAGERAG_HOME)", "the platform's folder for user data")
    places.add_argument("--config", metavar="FILE", help="settings file in TOML (default: none)")


def parse_draw(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the arguments of the default command; ``words`` holds the prompt's words in order.

    ``--html`` takes the next argument only if that is the name of a web page, so that ``--html "an owl"`` still draws
    an owl, and all that follows ``--`` belongs to the prompt.

    Raises:
        UserError: an unknown flag, or a value of the wrong type.
    """
    end = argv.index("--") if "--" in argv else len(argv)
    before = page_by_itself(argv[:end])
    options = draw_parser().parse_intermixed_args(before)
    options.words += argv[end + 1 :]
    if options.pipeline not in PIPELINES:
        raise UserError(f"pipeline {options.pipeline!r} is not known; give --pipeline one of: {', '.join(PIPELINES)}")
    return options


def page_by_itself(argv: Sequence[str]) -> list[str]:
    """Return the arguments with ``--html`` closed where no name of a web page follows."""
    closed = list(argv)
    for place, argument in enumerate(closed):
        following = closed[place + 1] if place + 1 < len(closed) else ""
        if argument == "--html" and not following.lower().endswith(WEB_PAGE):
            closed[place] = "--html="
    return closed


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the context's fields that were given as flags."""
    given = {name: getattr(options, name, None) for name in SETTINGS}
    if given["subject"] is not None:
        given["subject"] = tuple(given["subject"])
    if given["mcp_server"] is not None:
        given["mcp_server"] = tuple(given["mcp_server"])
    if given["mcp_allow"] is not None:
        names = ",".join(given["mcp_allow"]).split(",")
        given["mcp_allow"] = tuple(name.strip() for name in names if name.strip())
    return given


def _setting(group: Any, name: str, kind: Any, metavar: str, text: str, default: str | None = None) -> None:
    shown = getattr(_DEFAULTS, name) if default is None else default
    shown = f"{shown:g}" if isinstance(shown, float) else shown
    group.add_argument("--" + name.replace("_", "-"), type=kind, metavar=metavar, help=f"{text} (default: {shown})")


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
