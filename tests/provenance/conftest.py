"""A certificate of the tests' own, and a drawing in each format signed by it."""

from pathlib import Path

import pytest

from imagerag.provenance.signing import C2paSigner, open_signer
from imagerag.store.exports import copy_file, drawing_file
from imagerag.store.image_data import FileFormat
from testing.certificates import Certified, certified
from testing.stored_images import manifest, picture


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    return certified(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def signer(certificate: Certified) -> C2paSigner:
    opened = open_signer(str(certificate.certificate), str(certificate.key))
    assert opened is not None
    return opened


@pytest.fixture
def signed(tmp_path: Path, signer: C2paSigner) -> dict[FileFormat, Path]:
    """The files of one drawing, by format."""
    made = manifest(source_type="compositeWithTrainedAlgorithmicMedia")
    drawing = drawing_file(picture(), made, signer)
    files = {"png": drawing, **{kind: copy_file(picture(), kind, made, signer=signer) for kind in ("jpeg", "webp")}}  # type: ignore[arg-type]
    for kind, data in files.items():
        (tmp_path / f"owl.{kind}").write_bytes(data)
    return {kind: tmp_path / f"owl.{kind}" for kind in files}  # type: ignore[misc]
