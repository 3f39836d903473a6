"""What can be typed after ``imagerag eval`` and its commands."""

from imagerag.cli.options import add_config
from imagerag.cli.setting_flags import add_settings, whole
from imagerag.cli.strict_parser import Parser


def add_eval(parser: Parser) -> None:
    """Add the arguments of ``imagerag eval``."""
    parser.add_argument("--suite", metavar="NAME", help="pictograms, a public set by its name, or your own FILE.jsonl")
    parser.add_argument("--data", metavar="DIR", help="folder with the data of a public suite (default: none)")
    parser.add_argument(
        "--split",
        choices=("development", "test", "all"),
        help="half of the suite; tune on development alone (default: development of pictograms, all of others)",
    )
    parser.add_argument(
        "--limit",
        type=whole,
        metavar="N",
        help="the first N prompts of each stratum (default: 200 prompts in all, shared out among the strata)",
    )
    parser.add_argument(
        "--stratum",
        action="append",
        default=[],
        metavar="NAME",
        help="only prompts of this group of the suite, such as known or lacking; can be repeated (default: all)",
    )
    parser.add_argument(
        "--arm",
        action="append",
        default=[],
        metavar="NAME[:KEY=VALUE,...]",
        help="way of drawing, by its name or with settings of its own; can be repeated (default: base, best-of-n, "
        "one-pass, agent, random-references)",
    )
    parser.add_argument(
        "--metric",
        action="append",
        default=[],
        metavar="NAME[:MODEL]",
        help="what is measured; can be repeated (default: of pictograms presence and wrong_references, of sets with "
        "real pictures clip and dino, else clip)",
    )
    parser.add_argument("--full", action="store_true", help="all arms, unless some are named, and all prompts")
    parser.add_argument("--seeds", type=whole, default=1, metavar="N", help="drawings of each prompt (default: 1)")
    parser.add_argument(
        "--workers",
        default="auto",
        metavar="N",
        help="processes, or ray, or ray:ADDRESS of a cluster (default: one per core for what is embedded, else one)",
    )
    parser.add_argument(
        "--allow-outside",
        action="store_true",
        help="read also pictures that a suite names outside its own folder; for suites that you trust",
    )
    groups = add_settings(parser, ("models", "lookup", "limits", "places"))
    output = parser.add_argument_group("output")
    output.add_argument(
        "--out", metavar="DIR", help="folder of the run; what is there is not drawn again (default: runs/SUITE-SPLIT)"
    )
    output.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    add_config(groups["places"])


def add_eval_compare(parser: Parser) -> None:
    """Add the arguments of ``imagerag eval compare``."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folder of a run, as --out named it; one or two")
    parser.add_argument(
        "--arm",
        action="append",
        default=[],
        metavar="ONE=OTHER",
        help="arms to compare, of the first run and of the second; can be repeated (default: those of the same name)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


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
