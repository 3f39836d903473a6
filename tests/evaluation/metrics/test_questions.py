"""What is asked of a concept."""

import pytest

from imagerag.evaluation.metrics.questions import NONE, question_about
from imagerag.evaluation.records import Concept


@pytest.mark.parametrize(
    ("concept", "text", "accepted"),
    [
        (Concept("owl", "thing", "owl"), "Does the image show this: owl?", ("yes",)),
        (Concept("two owls", "count", "owls", "2"), "How many owls are in the image?", ("2", "two")),
        (Concept("no owls", "count", "owls", "0"), "How many owls are in the image?", NONE),
        (Concept("30 owls", "count", "owls", "30"), "How many owls are in the image?", ("30",)),
        (Concept("red owl", "colour", "owl", "red"), "Is the owl red?", ("yes",)),
        (Concept("x", "relation", "owl", "left of", "car"), "Is the owl to the left of the car?", ("yes",)),
        (Concept("x", "relation", "owl", "behind", "car"), "Is the owl behind the car?", ("yes",)),
        (Concept("owl", "absence", "owl"), "Is there any owl in the image?", ("no",)),
        (Concept("woodcut", "style"), "Is the image in this style: woodcut?", ("yes",)),
        (Concept("a sign", "text", "sign", "OPEN"), 'Does the image have the text "OPEN" in it?', ("yes",)),
        (Concept("it is night", "fact"), "Is this true of the image: 'it is night'?", ("yes",)),
        (Concept("x", "count", "owls", "2", question="Are there two owls?"), "Are there two owls?", ("yes",)),
    ],
)
def test_each_kind_has_its_question(concept: Concept, text: str, accepted: tuple[str, ...]) -> None:
    assert question_about(concept) == (f"{text} Answer in one word.", accepted)
