"""Libraries that are there, empty, of another model, or not calibrated."""

from dataclasses import replace
from pathlib import Path

import pytest

from imagerag.doctor import libraries
from imagerag.doctor.libraries import check_libraries
from imagerag.embedders.calibration import bundled_calibration
from imagerag.embedders.clip import embedded_model_id
from imagerag.index.user.calibration_file import CalibrationFile
from tests.doctor.conftest import SettingsOf

OTHER = "ViT-B-32:laion2b_s34b_b79k"


def told(settings_of: SettingsOf, library: str = "own", **changes: object) -> tuple[str, str, str]:
    finding = check_libraries(settings_of(library=(library,), **changes))[-1]
    return finding.status, finding.text, finding.mend


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of models that every library of one's own is of."""
    there: list[str] = []
    monkeypatch.setattr(libraries, "indexed_models", lambda home, name: there)
    return there


def test_the_bundled_one_is_always_there(settings_of: SettingsOf) -> None:
    assert told(settings_of, "bundled")[0] == "ok"


def test_the_data_directory(settings_of: SettingsOf, tmp_path: Path) -> None:
    assert check_libraries(settings_of())[0].status == "ok"
    assert not (tmp_path / "home").exists(), "it is not made for that"
    (tmp_path / "file").touch()
    finding = check_libraries(settings_of(home=str(tmp_path / "file" / "home")))[0]
    assert (finding.area, finding.status, finding.mend) == ("data", "wrong", "choose another with --home DIR")


def test_an_empty_one(settings_of: SettingsOf) -> None:
    assert told(settings_of)[::2] == ("warning", "imagerag index add FOLDER")
    assert told(settings_of, lookup_model=OTHER)[2] == f"imagerag index add FOLDER --lookup-model {OTHER}"
    assert check_libraries(settings_of())[2].status == "ok", "beside the bundled one it is no lack"


def test_one_of_another_model(settings_of: SettingsOf, models: list[str]) -> None:
    models.append(embedded_model_id())
    assert told(settings_of)[0] == "ok"
    status, text, mend = told(settings_of, lookup_model=OTHER)
    assert (status, mend) == ("wrong", f"imagerag index add FOLDER --lookup-model {OTHER}")
    assert embedded_model_id() in text


def test_whether_the_critic_is_calibrated_on_it(settings_of: SettingsOf, models: list[str], tmp_path: Path) -> None:
    models.append(embedded_model_id())
    status, _, mend = told(settings_of, critic="clip:embedded")
    assert (status, mend) == ("warning", "imagerag index calibrate --lookup-model embedded --shows pictograms")
    status, _, mend = told(settings_of, critic="clip:embedded", makes="photographs")
    assert (status, mend) == ("warning", "imagerag index calibrate --lookup-model embedded")
    directory = tmp_path / "home" / "own"
    directory.mkdir(parents=True)
    CalibrationFile(directory, embedded_model_id()).write(bundled_calibration())
    status, text, _ = told(settings_of, critic="clip:embedded")
    assert (status, "is calibrated on" in text) == ("ok", True)


def test_pictures_of_another_kind_calibrate_no_critic(
    settings_of: SettingsOf, models: list[str], tmp_path: Path
) -> None:
    models.append(embedded_model_id())
    for name in ("own", "libraries/birds"):
        (tmp_path / "home" / name).mkdir(parents=True)
    CalibrationFile(tmp_path / "home" / "own", embedded_model_id()).write(bundled_calibration())
    status, text, mend = told(settings_of, critic="clip:embedded", makes="photographs")
    assert (status, "is said to show pictograms" in text) == ("warning", True)
    assert mend == "if they are photographs: imagerag index calibrate --lookup-model embedded --shows photographs"
    photographs = replace(bundled_calibration(), shows="photographs")
    CalibrationFile(tmp_path / "home" / "libraries" / "birds", embedded_model_id()).write(photographs)
    settings = settings_of(library=("own", "birds"), critic="clip:embedded", makes="photographs")
    assert {finding.status for finding in check_libraries(settings)[-2:]} == {"ok"}, "the other library calibrates it"
    few = replace(photographs, captioned=3)
    CalibrationFile(tmp_path / "home" / "own", embedded_model_id()).write(few)
    assert told(settings_of, critic="clip:embedded")[2].startswith("imagerag index add FOLDER --shows pictograms with")


def test_a_critic_that_nothing_searched_could_calibrate(settings_of: SettingsOf) -> None:
    status, _, mend = told(settings_of, "bundled", critic=f"clip:{OTHER}")
    command = f"imagerag index add FOLDER --lookup-model {OTHER} --shows pictograms, and --library bundled,own"
    assert (status, mend) == ("warning", command)
