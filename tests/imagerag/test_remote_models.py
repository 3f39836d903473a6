"""What is known of providers' models: looked up by name, and their ends told in time."""

import datetime

import pytest

from imagerag.profiles.resolve import resolve
from imagerag.remote_models import ending, providers, remote_model
from imagerag.settings import Settings

DAY = datetime.date(2026, 12, 11)
"""On which gpt-5 ends."""


@pytest.mark.parametrize(
    ("days", "told"), [(-61, ""), (-60, "shuts down"), (-1, "shuts down"), (0, "shut down"), (400, "shut down")]
)
def test_an_end_is_told_when_it_is_near_or_past(days: int, told: str) -> None:
    said = ending("openai:gpt-5", DAY + datetime.timedelta(days))
    assert (told in said) if told else said == ""
    if said:
        assert "'openai:gpt-5' on 2026-12-11; use openai:gpt-6.1-sol (https://" in said


@pytest.mark.parametrize("name", ["openai:gpt-5@http://127.0.0.1:9/v1", "openai:gpt-6.1-sol", "nobody:knows", "rules"])
def test_what_has_no_end_that_is_known_is_not_told_of(name: str) -> None:
    assert ending(name, datetime.date(2100, 1, 1)) == ""


def test_a_release_and_a_server_of_ones_own_are_known_by_the_model() -> None:
    known = remote_model("openai:gpt-image-2")
    assert known is not None
    assert remote_model("openai:gpt-image-2-2026-04-21") == known
    assert remote_model("openai:gpt-image-2@http://127.0.0.1:9/v1") == known
    assert remote_model("openai:gpt-image-22") is None
    assert providers()["openai"].usual.references == 16


def test_a_run_is_told_once_for_each_part() -> None:
    notes = resolve(Settings(generator="openai:gpt-image-1", vlm="openai:gpt-4", critic="openai:gpt-4")).notes
    told = [note for note in notes if "shut down" in note]
    assert [note.partition("'")[2].partition("'")[0] for note in told] == ["openai:gpt-image-1", "openai:gpt-4"]
    assert not any("shut down" in note for note in resolve(Settings()).notes)
