"""What is drawn and judged once counts each time with what it took."""

from PIL import Image

from imagerag.evaluation.remembered import Memory, NeverSatisfied, RememberingCritic, RememberingGenerator
from imagerag.generators.base import DrawRequest, PlacesWeights, Reference, TakesNegatives
from testing.scripted import ScriptedCritic, Squares


class Counting(Squares):
    """Says how many steps it takes, as the embedded generator and diffusers do."""

    def draw(self, request, control=...):  # type: ignore[no-untyped-def]
        return [type(one)(one.image, one.seed, {"steps": 4}) for one in super().draw(request)]


def test_a_drawing_is_made_once_and_its_steps_count_each_time() -> None:
    squares, memory = Counting(), Memory()
    generator = RememberingGenerator(squares, memory, "pictograms")
    first = memory.begin_run()
    (alone,) = generator.draw(DrawRequest("an owl", (7,)))
    assert (first.steps, first.images, first.seconds) == (4, 1, 0.0)
    second = memory.begin_run()
    several = generator.draw(DrawRequest("an owl", (7, 8)))
    assert several[0] is alone
    assert [request.seeds for request in squares.requests] == [(7,), (8,)]
    assert (second.steps, second.images) == (8, 2)
    assert second.seconds > 0


def test_another_request_is_drawn_anew() -> None:
    squares = Squares()
    generator = RememberingGenerator(squares, Memory(), "pictograms")
    picture = Reference(Image.new("RGB", (4, 4)), "owl", sha256="1" * 64)
    for request in (
        DrawRequest("an owl", (7,)),
        DrawRequest("an axe", (7,)),
        DrawRequest("an owl", (7,), (picture,)),
        DrawRequest("an owl", (7,), (picture,), reference_scale=0.9),
        DrawRequest("an owl", (7,), negative="dogs"),
    ):
        generator.draw(request)
    assert len(squares.requests) == 5


def test_candidates_that_are_drawn_at_once_stay_together() -> None:
    squares = Squares()
    RememberingGenerator(squares, Memory(), "pictograms").draw(DrawRequest("an owl", (1, 2), batch=True))
    assert [request.seeds for request in squares.requests] == [(1, 2)]


def test_a_generator_without_weights_to_place_is_in_its_place() -> None:
    generator = RememberingGenerator(Squares(), Memory(), "pictograms")
    assert isinstance(generator, PlacesWeights)
    assert generator.is_placed
    assert isinstance(generator, TakesNegatives)
    assert not generator.takes_negatives


def test_an_image_is_judged_once_for_each_prompt() -> None:
    inner = ScriptedCritic([0.9, 0.3])
    critic = RememberingCritic(inner, Memory())
    image = Image.new("RGB", (4, 4))
    assert critic.judge([image, image], "an owl")[0] == critic.judge([image.copy()], "an owl")[0]
    assert critic.judge([image], "an axe")[0]["score"] == 0.3
    assert inner.judged == 2


def test_without_early_stop_the_critic_never_says_that_it_is_satisfied() -> None:
    image = Image.new("RGB", (4, 4))
    for critic in (
        RememberingCritic(ScriptedCritic([0.9]), Memory(), early_stop=False),
        NeverSatisfied(ScriptedCritic([0.9])),
    ):
        (verdict,) = critic.judge([image], "an owl")
        assert (verdict["satisfied"], verdict["score"]) == (False, 0.9)
