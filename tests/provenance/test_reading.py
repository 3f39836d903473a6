"""C2PA manifests, of other makers too, read and verified."""

import io
import time
from pathlib import Path

import c2pa
import pytest

from imagerag.provenance import reading
from imagerag.provenance.claim import MIME
from imagerag.provenance.inspection import inspect_file
from imagerag.provenance.reading import carries_c2pa, read_credentials
from imagerag.store.image_data import FileFormat
from testing.certificates import Certified, certified
from testing.stored_images import encoded, picture


def of_another_maker(kind: FileFormat, certificate: Certified, ingredient: bytes = b"") -> bytes:
    """Return a photograph that a camera's maker has signed, edited from another one if that is given."""
    info = c2pa.C2paSignerInfo("es256", certificate.certificate.read_bytes(), certificate.key.read_bytes(), None)
    action = {
        "action": "c2pa.created",
        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
    }
    said = {
        "claim_generator_info": [{"name": "Camera", "version": "7"}],
        "assertions": [] if ingredient else [{"label": "c2pa.actions", "data": {"actions": [action]}}],
    }
    out = io.BytesIO()
    with c2pa.Builder(said) as builder:
        if ingredient:
            builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
            told = {"title": "before.jpg", "relationship": "parentOf"}
            builder.add_ingredient(told, MIME[kind], io.BytesIO(ingredient))
        data = encoded(picture(), kind.upper())
        builder.sign(c2pa.Signer.from_info(info), MIME[kind], io.BytesIO(data), out)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_other_makers_credentials_are_read(kind: FileFormat, certificate: Certified) -> None:
    data = of_another_maker(kind, certificate)
    found = read_credentials(data, kind)
    assert found is not None
    assert (found.state, found.changed, found.program) == ("valid", False, "Camera 7")
    assert (found.signer, found.issuer) == ("Signer of the tests", "imagerag tests")
    assert [one.rpartition("/")[2] for one in found.source_types] == ["digitalCapture"]
    assert found.problems == ()
    trusted = read_credentials(data, kind, certificate.authority.read_text())
    assert trusted is not None
    assert trusted.state == "trusted"
    edited = read_credentials(of_another_maker(kind, certificate, data), kind)
    assert edited is not None
    assert [(one.title, one.relationship) for one in edited.ingredients] == [("before.jpg", "parentOf")]
    assert [one.rpartition("/")[2] for one in edited.source_types] == ["digitalCapture"], "it is what was edited"


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_file_without_credentials_has_none(kind: FileFormat) -> None:
    assert not carries_c2pa(encoded(picture(), kind.upper()), kind)
    assert read_credentials(encoded(picture(), kind.upper()), kind) is None
    assert not carries_c2pa(b"\xff\xd8\xff", kind)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_without_the_library_a_manifest_is_told_and_not_verified(
    kind: FileFormat, certificate: Certified, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "c2pa_installed", lambda: False)
    found = read_credentials(of_another_maker(kind, certificate), kind)
    assert found is not None
    assert found.state == "not verified"


@pytest.mark.slow
def test_a_certificate_that_has_ended_since_makes_nobody_say_that_the_file_was_changed(tmp_path: Path) -> None:
    kind: FileFormat = "jpeg"
    seconds = 8.0
    short = certified(tmp_path, days=(-1, seconds / 86400))
    data = of_another_maker(kind, short)
    time.sleep(seconds + 1)
    for anchors in ("", short.authority.read_text()):
        found = read_credentials(data, kind, anchors)
        assert found is not None
        assert (found.state, found.changed) == ("expired", False)
    (tmp_path / "old").write_bytes(data)
    inspected = inspect_file(tmp_path / "old")
    assert (inspected.verdict, inspected.pixels) == ("not verified", "unknown")
    changed = bytearray(data)
    changed[changed.rindex(b"\xff\xda") + 30] ^= 4
    found = read_credentials(bytes(changed), kind)
    assert found is not None
    assert (found.state, found.changed) == ("invalid", True)


def test_a_manifest_that_is_torn_is_invalid(certificate: Certified) -> None:
    data = of_another_maker("jpeg", certificate)
    at = data.index(b"jumb")
    found = read_credentials(data[: at + 40] + bytes(60) + data[at + 100 :], "jpeg")
    assert found is not None
    assert found.state == "invalid"
    assert found.problems
