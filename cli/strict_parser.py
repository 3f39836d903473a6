"""An argument parser that reports mistakes as one ``UserError``."""

import argparse
from typing import Any, NoReturn

from imagerag.errors import UserError


class Parser(argparse.ArgumentParser):
    """An argument parser that reports a mistake as one ``UserError`` and never guesses at abbreviations.

    Args:
        see: the command that helps, where it is not ``--help`` of this one.
        add_help: whether ``--help`` is listed among the options.
        settings: what ``argparse.ArgumentParser`` takes.
    """

    def __init__(self, *, see: str = "", add_help: bool = True, **settings: Any) -> None:
        formatter = argparse.RawDescriptionHelpFormatter
        super().__init__(allow_abbrev=False, add_help=False, formatter_class=formatter, **settings)
        self.see = see
        if add_help:
            add_help_flag(self)

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage."""
        raise UserError(f"{message}; see: {self.see or f'{self.prog} --help'}")


def add_help_flag(group: Any) -> None:
    """Add ``--help``, worded as the other options are."""
    group.add_argument("-h", "--help", action="help", help="print this and exit")
