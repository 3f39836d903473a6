"""Similarity of image and prompt, by real CLIP models."""

import pytest

from imagerag.assets.library import bundled_library
from imagerag.errors import UserError
from imagerag.evaluation.metrics.base import MetricContext
from imagerag.evaluation.metrics.registry import load_metric
from imagerag.evaluation.records import SuitePrompt
from tests.evaluation.metrics.drawings import OWL, drawing


def test_a_prompt_fits_its_own_picture_best() -> None:
    metric = load_metric("clip:embedded")
    assert metric.name == "clip-embedded"
    library = bundled_library()
    values = {}
    for concept in ("owl", "lobster", "banana"):
        image = library.image(library.by_concept[concept][0])
        found = metric.measure(drawing(3), OWL, image)
        assert (found.arm, found.prompt, found.seed, found.parts) == ("agent", OWL.name, 3, {})
        assert found.value is not None
        assert -1 <= found.value <= 1
        values[concept] = found.value
    assert max(values, key=lambda concept: values[concept]) == "owl"


def test_the_value_is_the_cosine_of_the_embeddings() -> None:
    from imagerag.embedders.registry import embedded_clip

    library = bundled_library()
    image = library.image(library.by_concept["lobster"][0])
    prompt = SuitePrompt("lobster", "a red lobster")
    embedder = embedded_clip()
    wanted = float(embedder.embed_texts(["a red lobster"])[0] @ embedder.embed_images([image])[0])
    assert load_metric("siglip:embedded").measure(drawing(), prompt, image).value == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(("critic", "told"), [("clip", 1), ("clip:embedded", 1), ("clip:ViT-B-32:openai", 0), ("", 0)])
def test_the_critics_own_model_is_told(critic: str, told: int) -> None:
    notes = load_metric("clip:embedded", MetricContext(critic=critic)).notes
    assert len([note for note in notes if "is the run's critic, too" in note]) == told


def test_a_model_that_is_not_understood_is_refused() -> None:
    with pytest.raises(UserError, match="CLIP model 'ViT' is not understood"):
        load_metric("clip:ViT")
