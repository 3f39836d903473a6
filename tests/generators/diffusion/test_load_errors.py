"""Why a model can't be loaded, in one line."""

from pathlib import Path

import pytest

from imagerag.generators.diffusion.load_errors import not_loaded, not_safe


def test_a_folder_that_is_damaged_is_named_with_the_reason(tmp_path: Path) -> None:
    error = not_loaded(str(tmp_path), None, ValueError("no  such\nkey"))
    assert (
        str(error) == f"{str(tmp_path)!r} can't be loaded (no such key); check the folder, or name another --generator"
    )


def test_pickled_weights_are_told_as_that(tmp_path: Path) -> None:
    told = str(not_loaded(str(tmp_path), None, OSError("Error no file named model.safetensors found in directory /m.")))
    assert told == str(not_safe(str(tmp_path)))
    assert "allow_pickle = true" in told


@pytest.mark.parametrize(
    "said",
    [
        "unable to mmap 8 bytes from file </m/model.safetensors>: Permission denied (13)",
        "/m does not appear to have a file named model-00002-of-00003.safetensors which is required",
    ],
)
def test_a_name_in_an_error_is_no_reason_to_advise_pickled_weights(tmp_path: Path, said: str) -> None:
    told = str(not_loaded(str(tmp_path), None, OSError(said)))
    assert told == f"{str(tmp_path)!r} can't be loaded ({said}); check the folder, or name another --generator"


def test_a_repository_that_is_here_and_fails_to_load_is_not_said_to_be_absent() -> None:
    for error in (
        RuntimeError("size mismatch for x"),
        ValueError("Unknown quantization type"),
        ImportError("no torchao"),
    ):
        told = str(not_loaded("somebody/model", None, error))
        assert told == f"'somebody/model' can't be loaded ({error}); name another --generator"
    assert "can't be downloaded" in str(not_loaded("somebody/model", None, OSError("connection lost")))
