"""From a request to the settings of its run."""

import pytest

from imagerag.errors import UserError
from imagerag.profiles.resolve import Given
from imagerag.server.offers import PartChoice
from imagerag.server.request_settings import RequestSettings
from imagerag.server.run import RunRequest
from imagerag.settings import Settings

OWN = Settings(max_generations=3, size="640x480", negative="dogs", offer=("critic=clip:ViT-B-32:laion2b_s34b_b79k",))


def test_what_is_said_takes_the_place_of_the_servers_and_the_rest_stays() -> None:
    requests = RequestSettings(OWN, Given())
    plain = requests.of(RunRequest("an owl"))
    assert (plain.size, plain.negative, plain.seed) == ("640x480", "dogs", None)
    asked = requests.of(RunRequest("an owl", seed=7, size="16:9", negative="", n=2))
    assert (asked.size, asked.aspect, asked.negative, asked.seed, asked.n) == (None, "16:9", "", 7, 2)


def test_limits_are_at_most_the_servers_which_is_told() -> None:
    requests = RequestSettings(OWN, Given())
    ask = RunRequest("an owl", limits={"max_generations": 9, "max_steps": 2})
    assert (requests.of(ask).max_generations, requests.of(ask).max_steps) == (3, 2)
    assert requests.lowered(ask) == ("max_generations 9 is more than this server allows; 3 holds",)
    assert requests.lowered(RunRequest("an owl", limits={"max_generations": 2})) == ()


def test_what_is_not_offered_is_refused_each_time() -> None:
    requests = RequestSettings(OWN, Given())
    for _ in range(2):
        with pytest.raises(UserError, match="'sdxl' is not offered"):
            requests.of(RunRequest("an owl", choice=PartChoice(generator="sdxl")))
