"""What is typed in the place of a prompt and is none: it is refused with the right line, and nothing is drawn."""

from pathlib import Path

import pytest

from imagerag.cli.parser import parse
from imagerag.errors import UserError


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("serach owl", "'serach' is no command; did you mean: imagerag search owl?"),
        ("--json serach owl", "imagerag search owl"),
        ("indx add pictures", "imagerag index add pictures"),
        ("thraeds2 list", None),
        ("Search owl", "'Search' is no command; did you mean: imagerag search owl?"),
        ("SEARCH an Owl", "did you mean: imagerag search an Owl?"),
        ("Threads List --json", "did you mean: imagerag threads list --json?"),
        ("Threads of gold", "To draw these words: imagerag draw 'Threads of gold'"),
        ("Draw an owl", "did you mean: imagerag draw an owl?"),
        ("Help", "did you mean: imagerag --help?"),
        ("Help Threads", "did you mean: imagerag threads --help?"),
        ("thread list", "'thread' is no command; did you mean: imagerag threads list?"),
        ("thread delete sea", "imagerag threads delete sea"),
        ("profile show cloud", "imagerag profiles show cloud"),
        ("drwa an owl", "imagerag draw an owl"),
        ("chta", "imagerag chat"),
        ("treads list --json", "imagerag threads list --json"),
        ("gcc --yes", "did you mean: imagerag gc --yes?"),
        ("serach owl -k 8", "did you mean: imagerag search owl -k 8?"),
        ("batsh p.csv --out", "did you mean: imagerag batch p.csv --out?"),
        ("help", "did you mean: imagerag --help?"),
        ("version", "did you mean: imagerag --version?"),
        ("help threads", "did you mean: imagerag threads --help?"),
        ("thraeds list", "imagerag threads list"),
        ("chatt", "imagerag chat"),
        ("docter --json", "imagerag doctor"),
        ("batchh p", "imagerag batch p"),
        ("threads lsit", "'lsit' is no command of imagerag threads; did you mean: imagerag threads list?"),
        ("index serach owl", "valid: add,"),
        ("profiles sohw cloud", "did you mean: imagerag profiles show cloud?"),
        ("photo.png", "imagerag replay photo.png"),
        ("a knight me.jpeg", "--subject me.jpeg"),
        ("draw a knight me.jpeg", "--subject me.jpeg"),
        ("settings.toml", "--config settings.toml"),
        ("prompts.csv", "imagerag batch prompts.csv"),
        ("style.safetensors", "--lora style.safetensors"),
    ],
)
def test_what_is_no_prompt_is_refused_with_the_right_line(typed: str, says: str | None) -> None:
    if says is None:
        assert parse(typed.split())[0].name == "draw"
        return
    with pytest.raises(UserError) as refused:
        parse(typed.split())
    assert says in str(refused.value)
    assert "to draw these words" in str(refused.value).lower()


@pytest.mark.parametrize(
    "typed",
    [
        *(
            ["cat"],
            ["a", "cat"],
            ["catch", "a", "fish"],
            ["model", "on", "a", "runway"],
            ["chart", "of", "the", "stars"],
        ),
        *(["serach owl"], ["draw", "serach", "owl"], ["--", "serach", "owl"], ["--", "photo.png"]),
        *(["node.js", "logo"], ["a", "U.S.A.", "flag"], ["3.14"], ["a dog/a cat"], ["https://x.org/cat.png a dog"]),
        *(["watch"], ["bath"], ["server", "room"], ["gc2"], ["-"]),
        *(
            ["thread", "and", "needle"],
            ["help", "an", "owl"],
            ["ward", "of", "a", "hospital"],
            ["--thread", "s", "help"],
        ),
        *(["Search owl"], ["Cat"], ["a", "Search", "party"], ["draw", "Search", "owl"], ["--", "Search", "owl"]),
    ],
)
def test_prompts_stay_prompts(typed: list[str]) -> None:
    command, options = parse(typed)
    assert (command.name, options.words) == ("draw", [w for w in typed if w not in ("draw", "--", "--thread", "s")])


def test_files_and_folders_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.md").write_text("x", encoding="utf-8")
    (tmp_path / "owl").mkdir()
    with pytest.raises(UserError, match=r"'notes.md' is a file"):
        parse(["notes.md"])
    with pytest.raises(UserError, match=r"is a folder, and no prompt; to look up in its pictures: imagerag index add"):
        parse([str(tmp_path)])
    assert parse(["owl"])[0].name == "draw", "a word is a word, whatever lies here"


@pytest.mark.parametrize(
    "typed", ["serve tea in a garden", "index cards on a desk", "chat with a cat", "threads of gold"]
)
def test_a_prompt_that_begins_with_a_command_has_its_way_told(typed: str) -> None:
    with pytest.raises(UserError, match=f"to draw these words: imagerag draw '{typed}'"):
        parse(typed.split())


def test_help_of_each_command_tells_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["search", "--help"])
    assert 'imagerag "search ..."' in capsys.readouterr().out
