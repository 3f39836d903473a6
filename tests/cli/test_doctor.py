"""``imagerag doctor`` as it is printed."""

import json
from pathlib import Path

import pytest

from imagerag.cli.main import run


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGERAG_HOME", str(tmp_path))
    for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(key, raising=False)


def test_nothing_is_wrong_with_the_embedded_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--offline"]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ok       profile: 'pictograms'")
    assert all(line.startswith(("ok       ", "warning  ")) for line in lines)
    assert last.startswith(f"{len(lines) - 1} ok, 1 warning, 0 wrong (")


def test_what_is_wrong_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--profile", "cloud", "--offline", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert told["profile"] == "cloud"
    assert told["wrong"] == sum(found["status"] == "wrong" for found in told["findings"]) >= 2
    assert all(found["mend"] for found in told["findings"] if found["status"] == "wrong")
    assert {"area", "status", "text", "mend"} == set(told["findings"][0])


def test_a_profile_that_is_not_there_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--profile", "lokal"]) == 2
    assert "wrong    profile: profile 'lokal' is not known; mend: give --profile one of" in capsys.readouterr().out
