"""What is known of providers' models: looked up by name, and their ends told in time."""

import datetime
from collections.abc import Callable

import pytest

from imagerag.chat_models.providers import connect
from imagerag.errors import UserError
from imagerag.generators.registry import load_generator
from imagerag.profiles.resolve import resolve
from imagerag.remote_models import ending, ends, providers, remote_model
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


@pytest.mark.parametrize(("day", "told"), [("2026-08-02", False), ("2026-08-03", True), ("2026-11-30", True)])
def test_days_on_which_sources_differ_are_both_told_from_the_earlier_on(day: str, told: bool) -> None:
    said = ending("google_genai:gemini-2.5-flash-image", datetime.date.fromisoformat(day))
    if not told:
        assert said == ""
        return
    assert "on 2027-03-15 (https://ai.google.dev/" in said
    assert "or on 2026-10-02 (https://ai.google.dev/" in said
    assert said.endswith("sources differ; use google_genai:gemini-3.1-flash-image")


@pytest.mark.parametrize(
    "name",
    [
        "openai:gpt-5@http://127.0.0.1:9/v1", "openai:gpt-6.1-sol", "nobody:knows", "rules",
        "mistralai:mistral-large-latest", "xai:grok-4",
    ],
)  # fmt: skip
def test_what_has_no_end_that_is_known_is_not_told_of(name: str) -> None:
    assert ending(name, datetime.date(2100, 1, 1)) == ""


def test_a_release_and_a_server_of_ones_own_are_known_by_the_model() -> None:
    known = remote_model("openai:gpt-image-2")
    assert known is not None
    assert remote_model("openai:gpt-image-2-2026-04-21") == known
    assert remote_model("openai:gpt-image-2@http://127.0.0.1:9/v1") == known
    assert remote_model("openai:gpt-image-22") is None
    assert providers()["openai"].usual.references == 16


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("openai:gpt-4.5-preview-2025-02-27", "2025-07-14"),
        ("openai:gpt-3.5-turbo-0125", "2026-10-23"),
        ("openai:gpt-4-0613", "2026-10-23"),
        ("openai:gpt-4-0314", "2026-03-26"),
        ("openai:chatgpt-4o-latest", "2026-02-17"),
        ("openai:gpt-4o-2024-05-13", "2026-10-23"),
        ("openai:gpt-4o-2024-08", "2027-01-14"),
        ("openai:o1-2024-12-17", "2026-10-23"),
        ("openai:dall-e-2", "2026-05-12"),
        ("anthropic:claude-3-5-sonnet@20240620", "2025-10-28"),
        ("anthropic:claude-3-opus-latest", "2026-01-05"),
        ("anthropic:claude-3-haiku-20240307", "2026-04-20"),
        ("anthropic:claude-sonnet-4-20250514", "2026-06-15"),
        ("anthropic:claude-opus-4-1", "2026-08-05"),
        ("google_genai:gemini-2.0-flash-001", "2026-06-01"),
        ("google_genai:gemini-1.5-pro-002", "2025-09-29"),
        ("google_genai:gemini-2.5-pro-preview-05-06", "2025-12-02"),
        ("google_genai:gemini-2.5-flash-image-preview", "2026-01-15"),
        ("google_genai:imagen-3.0-generate-002", "2025-11-10"),
        ("google_genai:imagen-4.0-ultra-generate-001", "2026-08-17"),
        ("mistralai:pixtral-large-latest", "2026-05-31"),
        ("mistralai:pixtral-12b-2409", "2025-12-31"),
        ("xai:grok-4-0709", "2026-05-15"),
        ("xai:grok-3-latest", "2026-05-15"),
    ],
)
def test_a_release_ends_with_its_model_unless_it_has_an_end_of_its_own(name: str, day: str) -> None:
    assert f"{name!r} on {day}; use " in ending(name, datetime.date(2027, 6, 1))


def test_every_end_names_a_successor_that_goes_on() -> None:
    for name, end in ends().items():
        assert end.source.startswith("https://"), name
        assert end.successor.partition(":")[0] == name.partition(":")[0]
        assert ending(end.successor, end.ends) == "", name


@pytest.mark.parametrize("connect", [load_generator, connect])
def test_the_end_is_told_before_that_a_key_is_missing(
    connect: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    name = "openai:dall-e-3" if connect is load_generator else "openai:gpt-4"
    with pytest.raises(UserError, match=rf"shut down '{name}' on 2026.*; use .*; besides, .* needs a key; set the var"):
        connect(name)


def test_a_run_is_told_once_for_each_part() -> None:
    notes = resolve(Settings(generator="openai:gpt-image-1", vlm="openai:gpt-4", critic="openai:gpt-4")).notes
    told = [note for note in notes if "shut down" in note]
    assert [note.partition("'")[2].partition("'")[0] for note in told] == ["openai:gpt-image-1", "openai:gpt-4"]
    assert not any("shut down" in note for note in resolve(Settings()).notes)


def test_the_end_is_told_before_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langchain")
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.setattr("imagerag.chat_models.providers.package_of", lambda provider: "langchain-of-nobody")
    with pytest.raises(
        UserError, match=r"shut down 'anthropic:claude-2\.1' on 2025.*; use .*; besides, .* is not inst"
    ):
        connect("anthropic:claude-2.1")
