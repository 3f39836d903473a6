"""The options of the command line: each setting has a flag, and flags reach the settings."""

import re
import subprocess
import sys

import pytest

from imagerag.cli.options import draw_parser, parse_draw, settings_of
from imagerag.declaration import SERVER_ONLY
from imagerag.settings import DECLARED, SETTINGS, load_settings


class TestOptions:
    def test_every_setting_has_a_flag(self) -> None:
        flags = set(re.findall(r"--([a-z0-9-]+)", draw_parser().format_help()))
        drawing = {name for name in SETTINGS if DECLARED[name].group not in SERVER_ONLY}
        assert {name.replace("_", "-") for name in drawing} <= flags

    def test_flags_reach_the_context(self) -> None:
        options = parse_draw(["an owl", "--seed", "7", "--n=2", "--subject", "a.png", "--subject", "b.png"])
        settings = load_settings(settings_of(options), environ={"IMAGERAG_SEED": "8", "IMAGERAG_MAX_STEPS": "3"})
        assert (settings.seed, settings.n, settings.subject, settings.max_steps) == (7, 2, ("a.png", "b.png"), 3)

    @pytest.mark.parametrize(
        ("argv", "words", "html"),
        [
            (["an owl", "--html"], ["an owl"], ""),
            (["--html", "an owl"], ["an owl"], ""),
            (["--html", "run.html", "an owl"], ["an owl"], "run.html"),
            (["--html=page", "an owl"], ["an owl"], "page"),
            (["an", "--seed", "1", "owl"], ["an", "owl"], None),
            (["--seed", "1", "--", "--html", "an owl"], ["--html", "an owl"], None),
            (["-"], ["-"], None),
        ],
    )
    def test_words_and_page(self, argv: list[str], words: list[str], html: str | None) -> None:
        options = parse_draw(argv)
        assert (options.words, options.html) == (words, html)

    def test_help_imports_nothing_heavy(self) -> None:
        code = (
            "import sys; from imagerag.cli.main import run\n"
            "try: run(['--help'])\n"
            "except SystemExit: pass\n"
            "print({'torch', 'langgraph', 'chromadb', 'rich', 'numpy', 'PIL'} & set(sys.modules), file=sys.stderr)"
        )
        result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        assert result.stderr.strip() == "set()"
        for expected in (
            "--max-generations",
            "--subject",
            "imagerag replay",
            "IMAGERAG_MAX_STEPS",
            "auto, lookup_first",
        ):
            assert expected in result.stdout

    def test_version(self) -> None:
        result = subprocess.run([sys.executable, "-m", "imagerag", "--version"], capture_output=True, text=True)
        assert (result.returncode, result.stdout.split()[0]) == (0, "imagerag")
