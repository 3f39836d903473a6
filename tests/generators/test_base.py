"""Requests of a drawing that are refused."""

import pytest

from imagerag.errors import InvalidArgument
from imagerag.generators.base import DrawRequest, Reference
from imagerag.generators.patchwork import PatchworkGenerator

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"prompt": ""}, "''"),
        ({"prompt": " ,.. "}, "' ,.. '"),
        ({"seeds": ()}, "()"),
        ({"seeds": (-1,)}, "-1"),
        ({"seeds": (2**63,)}, str(2**63)),
        ({"reference_scale": -0.1}, "-0.1"),
        ({"reference_scale": 1.5}, "1.5"),
        ({"reference_scale": float("nan")}, "nan"),
        ({"references": 7}, "7 references"),
    ],
)
def test_bad_requests_are_named(
    patchwork: PatchworkGenerator, kimono: Reference, changes: dict[str, object], named: str
) -> None:
    request: dict[str, object] = {"prompt": "an owl", "seeds": (1,), **changes}
    if changes.get("references"):
        request["references"] = (kimono,) * (patchwork.max_references + 1)
    with pytest.raises(InvalidArgument) as caught:
        patchwork.draw(DrawRequest(**request))  # type: ignore[arg-type]
    assert named in str(caught.value)
    assert "valid: " in str(caught.value)
