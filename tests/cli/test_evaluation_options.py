"""What can be typed after the commands on runs that are there."""

from imagerag.cli.evaluation_options import add_eval_label, add_eval_report
from imagerag.cli.strict_parser import Parser


def test_label() -> None:
    parser = Parser(prog="imagerag eval label")
    add_eval_label(parser)
    options = parser.parse_args(["runs/a", "--arm", "base", "--arm", "agent", "--by", "me", "--port", "8001"])
    assert (options.folder, options.arm, options.by, options.port) == ("runs/a", ["base", "agent"], "me", 8001)
    plain = parser.parse_args(["runs/a"])
    assert (plain.arm, plain.by, plain.port, plain.no_browser, plain.json) == ([], "", 0, False, False)


def test_report() -> None:
    parser = Parser(prog="imagerag eval report")
    add_eval_report(parser)
    options = parser.parse_args(["runs/a", "--open"])
    assert (options.folder, options.open, options.json) == ("runs/a", True, False)
