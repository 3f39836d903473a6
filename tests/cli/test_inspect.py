"""``imagerag inspect`` and what it leaves as exit status."""

import json
from pathlib import Path

import pytest

from imagerag.cli.main import run
from imagerag.provenance import reading
from imagerag.provenance.signing import open_signer
from imagerag.store.exports import drawing_file
from imagerag.store.png import with_text
from testing.certificates import certified
from testing.stored_images import encoded, manifest, picture


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    files = certified(tmp_path / "certificate")
    signer = open_signer(str(files.certificate), str(files.key))
    made = manifest(prompt="an owl\x1b[2J\nby night", source_type="compositeWithTrainedAlgorithmicMedia")
    (tmp_path / "owl.png").write_bytes(drawing_file(picture(), made, signer))
    return tmp_path / "owl.png"


def test_a_signed_picture_is_told_of_in_words_that_steer_nothing(
    signed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["inspect", str(signed)]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{signed}: intact\n")
    assert "unchanged since it was signed" in told
    assert "made of existing pictures by a generative model" in told
    assert "Signer of the tests" in told
    assert "--trust" in told
    assert "\x1b" not in told
    authority = signed.parent / "certificate" / "authority.pem"
    assert run(["inspect", str(signed), "--trust", str(authority)]) == 0
    assert "a certificate that --trust leads to" in capsys.readouterr().out


def test_json_has_all_of_it(signed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(signed), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["pixels"], told["format"], told["size"]) == ("intact", "unchanged", "png", [48, 32])
    assert told["manifest"]["seed"] == manifest().seed
    assert told["c2pa"]["state"] == "valid"
    assert told["attributions"] == ['"kimono", Noto Emoji u1f458, Apache-2.0']
    assert told["replayable"]


def test_exit_statuses(
    signed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "changed.png").write_bytes(with_text(signed.read_bytes(), "imagerag", manifest(seed=1).text()))
    (tmp_path / "plain.png").write_bytes(encoded(picture()))
    (tmp_path / "damaged.png").write_bytes(with_text(encoded(picture()), "imagerag", "{"))
    for name, status, said in (
        ("changed.png", 1, "changed"),
        ("damaged.png", 1, "damaged"),
        ("plain.png", 3, "without credentials"),
        ("gone.png", 2, "No such file"),
    ):
        assert run(["inspect", str(tmp_path / name)]) == status, name
        assert said in "".join(capsys.readouterr()), name
    assert run(["inspect", str(signed), "--trust", str(tmp_path / "plain.png")]) == 2
    assert "holds no certificate" in capsys.readouterr().err
    monkeypatch.setattr(reading, "c2pa_installed", lambda: False)
    assert run(["inspect", str(signed)]) == 2
    assert "pip install 'imagerag[c2pa]'" in capsys.readouterr().out
