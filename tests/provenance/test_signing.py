"""Files are signed, and the certificate is looked at before anything is drawn."""

import io
import json
from pathlib import Path

import c2pa
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from PIL import Image

from imagerag.errors import UserError
from imagerag.provenance.claim import MIME
from imagerag.provenance.signing import C2paSigner, open_signer, read_anchors
from imagerag.store.image_data import FileFormat
from imagerag.store.images import ImageStore
from testing.certificates import Certified, PrivateKey, certified
from testing.stored_images import REFERENCE, VERDICT, manifest, picture


def official(data: bytes, kind: FileFormat, authority: Path | None = None) -> tuple[str, dict[str, object]]:
    """Return what the C2PA SDK itself says of a file: its state, and the newest manifest."""
    trust = {"trust": {"user_anchors": authority.read_text()}} if authority else {}
    context = c2pa.Context.from_dict({"verify": {"remote_manifest_fetch": False}, **trust})
    reader = c2pa.Reader(MIME[kind], io.BytesIO(data), context=context)
    store = json.loads(reader.json())
    return store["validation_state"], store["manifests"][store["active_manifest"]]


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_the_official_verifier_accepts_what_was_signed(
    kind: FileFormat, signed: dict[FileFormat, Path], certificate: Certified
) -> None:
    data = signed[kind].read_bytes()
    state, told = official(data, kind, certificate.authority)
    assert state == "Trusted"
    assert official(data, kind)[0] == "Valid"
    (ingredient,) = told["ingredients"]  # type: ignore[misc]
    assert ingredient["title"] == REFERENCE["title"]  # type: ignore[index]
    assert REFERENCE["licence"] in ingredient["description"]  # type: ignore[index]
    assert "compositeWithTrainedAlgorithmicMedia" in json.dumps(told["assertions"])
    assert told["claim_generator_info"][0]["name"] == "imagerag"  # type: ignore[index]


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_the_official_verifier_sees_every_changed_byte_of_the_picture(
    kind: FileFormat, signed: dict[FileFormat, Path]
) -> None:
    data = signed[kind].read_bytes()
    start = {"png": b"IDAT", "jpeg": b"\xff\xda", "webp": b"VP8 "}[kind]
    begin = data.rindex(start) + 30
    for at in range(begin, begin + 800, 20):
        changed = bytearray(data)
        changed[at] ^= 1
        assert official(bytes(changed), kind)[0] == "Invalid", at


def test_a_drawing_of_a_model_alone_is_created_with_its_references_as_inputs(
    signer: C2paSigner, tmp_path: Path
) -> None:
    store = ImageStore(tmp_path, signer)
    stored = store.put(picture(), manifest(generator="sdxl"))
    state, told = official(stored.path.read_bytes(), "png")
    assert state == "Valid"
    assertion = told["assertions"][0]  # type: ignore[index]
    (action,) = assertion["data"]["actions"]
    assert (action["action"], action["digitalSourceType"].rpartition("/")[2]) == (
        "c2pa.created",
        "trainedAlgorithmicMedia",
    )
    assert told["ingredients"][0]["relationship"] == "inputTo"  # type: ignore[index]


def test_a_verdict_is_signed_anew_and_leaves_one_signature(signer: C2paSigner, tmp_path: Path) -> None:
    store = ImageStore(tmp_path, signer)
    stored = store.put(picture(), manifest())
    store.set_verdict(stored.sha256, VERDICT)
    data = stored.path.read_bytes()
    assert official(data, "png")[0] == "Valid"
    assert data.count(b"caBX") == 1
    assert store.manifest(stored.sha256).verdict == VERDICT
    ImageStore(tmp_path).set_verdict(stored.sha256, VERDICT)
    assert b"caBX" not in stored.path.read_bytes(), "a signature that no longer holds"
    assert store.open(stored.sha256).tobytes() == picture().tobytes()


def test_a_drawing_with_no_picture_in_it_is_signed_too(signer: C2paSigner, tmp_path: Path) -> None:
    for term in ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"):
        bare = manifest(references=[], facts={}, source_type=term)
        stored = ImageStore(tmp_path / term, signer).put(picture(), bare)
        state, told = official(stored.path.read_bytes(), "png")
        assert state == "Valid"
        assert term in json.dumps(told["assertions"])


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
    ],
)
def test_other_kinds_of_keys_sign(key: PrivateKey, tmp_path: Path) -> None:
    files = certified(tmp_path, key)
    signer = open_signer(str(files.certificate), str(files.key))
    stored = ImageStore(tmp_path, signer).put(picture(), manifest())
    assert official(stored.path.read_bytes(), "png")[0] == "Valid"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("only certificate", "give --c2pa-key as well"),
        ("only key", "give --c2pa-cert as well"),
        ("missing", "No such file"),
        ("no certificate", "holds no certificate in PEM"),
        ("no key", "holds no private key in PEM"),
        ("another key", "is not the key of the certificate"),
        ("locked", "locked by a password"),
        ("ended", "is valid from"),
        ("not yet", "is valid from"),
        ("of no use", "can't sign"),
        ("odd curve", "of a kind that C2PA doesn't take"),
    ],
)
def test_what_can_sign_nothing_is_refused_before_anything_is_drawn(kind: str, said: str, tmp_path: Path) -> None:
    odd = {"odd curve": ec.generate_private_key(ec.SECP256K1())}
    days = {"ended": (-20, -10), "not yet": (10, 20)}.get(kind, (-1, 365))
    files = certified(tmp_path / "a", odd.get(kind), days, password="x" if kind == "locked" else "")
    certificate, key = str(files.certificate), str(files.key)
    if kind == "no certificate":
        files.certificate.write_text("hello")
    elif kind == "no key":
        files.key.write_text("hello")
    elif kind == "another key":
        key = str(certified(tmp_path / "b").key)
    elif kind == "missing":
        files.key.unlink()
    elif kind == "of no use":  # an authority's certificate is none for signing files
        from testing.certificates import self_issued

        certificate, key = (str(file) for file in self_issued(tmp_path / "c"))
    with pytest.raises(UserError, match=said) as caught:
        open_signer(None if kind == "only key" else certificate, None if kind == "only certificate" else key)
    assert "\n" not in str(caught.value)
    assert "PRIVATE" not in str(caught.value)


def test_nothing_signs_where_nothing_is_configured() -> None:
    assert open_signer(None, None) is None


def test_authorities_are_read_from_a_file(certificate: Certified, tmp_path: Path) -> None:
    assert "BEGIN CERTIFICATE" in read_anchors(str(certificate.authority))
    (tmp_path / "no.pem").write_text("hello")
    with pytest.raises(UserError, match="holds no certificate"):
        read_anchors(str(tmp_path / "no.pem"))


def test_a_picture_of_the_persons_own_is_not_signed(signer: C2paSigner, tmp_path: Path) -> None:
    stored = ImageStore(tmp_path, signer).put_user_image(Image.new("RGB", (8, 8)))
    assert b"caBX" not in stored.path.read_bytes()
