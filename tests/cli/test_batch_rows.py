"""Rows of a batch: prompts and settings from text, CSV and JSONL, a bad one with its line."""

import json
from pathlib import Path

import pytest

from imagerag.cli.batch_rows import read_rows, settings_of_row
from imagerag.errors import UserError


def write(folder: Path, name: str, text: str | bytes) -> Path:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_text_has_a_prompt_a_line(tmp_path: Path) -> None:
    rows = read_rows(write(tmp_path, "p.txt", "\ufeffan owl\n\n# a comment\n  a   cat \r\na dog, red"), {}, None)
    assert [(row.number, row.line, row.prompt) for row in rows] == [
        (1, 1, "an owl"),
        (2, 4, "a cat"),
        (3, 5, "a dog, red"),
    ]


def test_a_table_has_settings(tmp_path: Path) -> None:
    text = 'prompt,seed,name,size,library\n"an owl, red",7,mine,32x16,"bundled,own"\na cat,,,,\n"two\nlines",1,,,\n'
    rows = read_rows(write(tmp_path, "p.csv", text), {}, None)
    assert [row.problem for row in rows] == ["", "", ""]
    assert rows[0].settings == {"seed": 7, "file_name": "mine", "size": "32x16", "library": ("bundled", "own")}
    assert (rows[1].settings, rows[2].prompt, rows[2].line) == ({}, "two lines", 5)


def test_objects_have_settings(tmp_path: Path) -> None:
    lines = [{"prompt": "an owl", "seed": 7, "batch": True, "subject": ["a.png", "b.png"]}, {"prompt": "a cat"}]
    rows = read_rows(write(tmp_path, "p.jsonl", "\n".join(map(json.dumps, lines))), {}, None)
    assert rows[0].settings == {"seed": 7, "batch": True, "subject": ("a.png", "b.png")}
    assert rows[1].prompt == "a cat"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "it is no JSON"),
        ("[1]", "is no JSON object"),
        ('{"seed": 1}', "it has no 'prompt'"),
        ('{"prompt": 3}', "prompt 3 is no text"),
        ('{"prompt": "  "}', "is empty"),
        ('{"prompt": "an owl", "sede": 1}', "'sede' is no setting; valid: prompt, name, profile"),
        ('{"prompt": "an owl", "home": "x"}', "'home' holds for the whole batch"),
        ('{"prompt": "an owl", "seed": "x"}', "seed is 'x'; it must be a whole number"),
        ('{"prompt": "an owl", "n": 99}', "n 99 is outside 1..16"),
        ('{"prompt": "an owl", "size": "1x1", "aspect": "1:1"}', "size"),
        ('{"prompt": "a\\u0000b"}', "which is no text"),
    ],
)
def test_a_bad_row_has_its_problem_and_the_others_are_read(line: str, says: str, tmp_path: Path) -> None:
    bad, good = read_rows(write(tmp_path, "p.jsonl", f'{line}\n{{"prompt": "a cat"}}\n'), {}, None)
    assert says in bad.problem
    assert (bad.line, good.line, good.prompt, good.problem) == (1, 2, "a cat", "")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("p.txt", "\n# nothing\n", "has no rows"),
        ("p.md", "an owl", "is none of .txt, .csv, .jsonl"),
        ("p.txt", b"\xff\xfe", "is not UTF-8"),
        ("p.csv", "seed\n1\n", "has no 'prompt'"),
        ("p.csv", "prompt,seed,seed\n", "names 'seed' twice"),
        ("p.csv", "prompt,sede\nan owl,1\n", "'sede' is no setting"),
        ("p.csv", 'prompt\n"an owl" x"\n', "is no CSV from line 2 on"),
    ],
)
def test_a_file_of_no_use_is_one_line(name: str, text: str | bytes, says: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        read_rows(write(tmp_path, name, text), {}, None)
    assert says in str(refused.value)


def test_too_many_cells_are_told(tmp_path: Path) -> None:
    (row,) = read_rows(write(tmp_path, "p.csv", "prompt,seed\nan owl,1,2\n"), {}, None)
    assert row.problem == "it has 3 cells, and the header 2"


def test_a_row_goes_before_flags(tmp_path: Path) -> None:
    flags = {"seed": 1, "size": "32x32", "n": 2}
    (row,) = read_rows(write(tmp_path, "p.csv", "prompt,seed,aspect\nan owl,7,2:1\n"), flags, None)
    assert row.problem == ""
    assert settings_of_row(row, flags) == {"seed": 7, "n": 2, "aspect": "2:1"}


def test_rows_are_known_again_by_what_they_say(tmp_path: Path) -> None:
    before = read_rows(write(tmp_path, "p.txt", "an owl\nan owl\na cat\n"), {}, None)
    after = read_rows(write(tmp_path, "p.txt", "a dog\na cat\nan owl\nan owl\n"), {}, None)
    assert len({row.key for row in before}) == 3
    assert {row.key for row in before} == {row.key for row in after[1:]}
    other = read_rows(write(tmp_path, "p.txt", "an owl\n"), {"seed": 3}, None)
    assert other[0].key not in {row.key for row in before}, "other flags are another drawing"
