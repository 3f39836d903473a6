"""What can be typed after the commands on runs of ``imagerag eval`` that are there."""

from imagerag.cli.setting_flags import whole
from imagerag.cli.strict_parser import Parser


def add_eval_label(parser: Parser) -> None:
    """Add the arguments of ``imagerag eval label``."""
    _add_run(parser)
    parser.add_argument(
        "--arm",
        action="append",
        default=[],
        metavar="NAME",
        help="arm to show; repeated, each with each (default: all of the run)",
    )
    parser.add_argument(
        "--by", default="", metavar="NAME", help="who answers, to tell several people apart (default: nobody's name)"
    )
    parser.add_argument("--port", type=whole, default=0, metavar="N", help="to listen on (default: any that is free)")
    parser.add_argument("--no-browser", action="store_true", help="print the page's address and open no browser")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table at the end")


def add_eval_report(parser: Parser) -> None:
    """Add the arguments of ``imagerag eval report``."""
    _add_run(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    parser.add_argument("--open", action="store_true", help="show the page")


def _add_run(parser: Parser) -> None:
    parser.add_argument("folder", metavar="RUN", help="folder of a run, as --out named it")
