"""The network that judges evaluations on pictograms; `python -m benchmarks.evaluator` tells its errors."""

from imagerag.assets.library import bundled_library
from imagerag.evaluation.evaluator import Evaluator
from imagerag.store.png import on_white


def test_it_sees_what_a_picture_shows_and_nothing_else_of_the_kind() -> None:
    library, evaluator = bundled_library(), Evaluator()
    assert set(evaluator.concepts) >= set(library.lacking())
    for name, other in (("axe", "hammer"), ("lobster", "crab")):
        picture = on_white(library.image(library.by_concept[name][0]))
        assert evaluator.present(picture, name)
        assert not evaluator.present(picture, other)
