"""Which way is better, and what is an evaluator, also of metrics with another model than the usual one."""

import pytest

from imagerag.evaluation.metric_meaning import better_of, bounds_of, is_share, kind_of, rank_of, sees_concepts
from imagerag.evaluation.metrics.registry import METRICS


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("presence", "presence"),
        ("clip", "clip"),
        ("clip-ViT-B-16-openai", "clip"),
        ("clip-image", "clip-image"),
        ("clip-image-ViT-L-14", "clip-image"),
        ("soft-tifa-gm", "soft-tifa-gm"),
        ("soft-tifa-openai-gpt-5", "soft-tifa"),
        ("copying-background", "copying-background"),
        ("another", "another"),
    ],
)
def test_model_is_no_part_of_the_kind(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_every_metric_has_its_direction_and_evaluators_come_first() -> None:
    for name, kind in METRICS.items():
        assert better_of(name) == kind.better
    assert better_of("wrong_references") == "lower"
    assert better_of("another") == "neither"
    names = ["wrong_references", "lpips", "clip", "another", "soft-tifa-gm", "soft-tifa-x", "presence"]
    assert sorted(names, key=rank_of) == [
        "presence", "soft-tifa-x", "soft-tifa-gm", "clip", "another", "lpips", "wrong_references",
    ]  # fmt: skip
    assert [name for name in names if sees_concepts(name)] == ["soft-tifa-gm", "soft-tifa-x", "presence"]
    assert is_share("wrong_references")
    assert not is_share("clip")


def test_bounds() -> None:
    assert bounds_of("soft-tifa-x") == (0, 1)
    assert bounds_of("clip-ViT-B-16") == (-1, 1)
    assert bounds_of("hpsv3") is None
