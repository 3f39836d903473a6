"""Files and folders that settings and variables name: read, writable, and told once where several checks need them."""

from pathlib import Path

import pytest
from PIL import Image

from imagerag.doctor.examine import examine
from imagerag.doctor.places import check_places
from imagerag.settings import Settings
from testing.certificates import certified
from tests.doctor.conftest import SettingsOf


def told(settings_of: SettingsOf, **changes: object) -> list[tuple[str, str]]:
    return [(finding.status, finding.text) for finding in check_places(settings_of(**changes))]


def test_what_nobody_names_is_not_told(settings_of: SettingsOf) -> None:
    assert told(settings_of) == []


@pytest.mark.parametrize("variable", ["IMAGERAG_PROFILES", "IMAGERAG_PRESETS", "IMAGERAG_PRICES"])
def test_files_that_variables_name(
    variable: str, settings_of: SettingsOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of()
    file = tmp_path / "named.toml"
    file.write_text("")
    monkeypatch.setenv(variable, str(file))
    assert [finding.status for finding in check_places(settings)] == ["ok"]
    monkeypatch.setenv(variable, str(tmp_path / "none.toml"))
    (finding,) = check_places(settings)
    assert (finding.status, "none.toml" in finding.text) == ("wrong", True)
    assert finding.mend == f"mend it or unset {variable}"


def test_a_subject(settings_of: SettingsOf, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "me.png")
    (tmp_path / "text.png").write_text("no picture")
    files = tuple(str(tmp_path / name) for name in ("me.png", "text.png", "none.png"))
    assert [status for status, _ in told(settings_of, subject=files)] == ["ok", "wrong", "wrong"]


def test_a_record_file_is_new_or_empty(settings_of: SettingsOf, tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    assert told(settings_of, record=str(file)) == [("ok", f"record file {str(file)!r} can be written")]
    assert not file.exists(), "it is not made for that"
    file.write_text("{}")
    assert told(settings_of, record=str(file))[0][0] == "wrong"
    assert told(settings_of, record=str(tmp_path))[0][0] == "wrong"
    assert told(settings_of, record=str(tmp_path / "none" / "run.jsonl"))[0][0] == "wrong"


def test_a_results_folder(settings_of: SettingsOf, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert told(settings_of, out=str(tmp_path / "new" / "one"))[0][0] == "ok"
    assert told(settings_of, out=str(tmp_path / "file" / "one"))[0][0] == "wrong"
    assert not (tmp_path / "new").exists(), "it is not made for that"


@pytest.mark.slow
def test_a_file_that_several_checks_need_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGERAG_PRESETS", "/nosuch")
    found = examine(Settings(home=str(tmp_path), profile="pictograms", device="cpu"), offline=True).findings
    assert [finding.area for finding in found if "/nosuch" in finding.text] == ["files"]


def test_a_certificate_can_sign_or_what_mends_it_is_told(settings_of: SettingsOf, tmp_path: Path) -> None:
    files = certified(tmp_path / "a")
    certificate, key = str(files.certificate), str(files.key)
    ((status, text),) = told(settings_of, c2pa_cert=certificate, c2pa_key=key)
    assert status == "ok"
    assert "images are signed by certificate" in text
    ending = certified(tmp_path / "b", days=(-1, 9))
    (finding,) = check_places(settings_of(c2pa_cert=str(ending.certificate), c2pa_key=str(ending.key)))
    assert (finding.status, "renew" in finding.mend) == ("warning", True)
    (finding,) = check_places(settings_of(c2pa_cert=certificate))
    assert (finding.status, "--c2pa-key" in finding.mend) == ("wrong", True)
