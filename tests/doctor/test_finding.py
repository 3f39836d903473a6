"""Lines and documents of findings."""

from imagerag.doctor.finding import Finding, of_error, ok, wrong
from imagerag.errors import UserError


def test_lines_begin_with_the_status_in_columns() -> None:
    assert ok("keys", "K is set").line == "ok       keys: K is set"
    assert wrong("keys", "K is not set", "export K=...").line == "wrong    keys: K is not set; mend: export K=..."


def test_an_error_is_told_apart_from_its_way_out() -> None:
    assert of_error("device", UserError("device 'x' can't be used\nhere; give --device auto")) == Finding(
        "device", "wrong", "device 'x' can't be used here", "give --device auto"
    )
    assert of_error("device", UserError("no way out")).mend != ""
    assert wrong("a", "b", "c").document == {"area": "a", "status": "wrong", "text": "b", "mend": "c"}
