"""What clients may choose of a run's parts."""

from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.profiles.resolve import Given, resolve
from imagerag.server.offers import NO_CHOICE, Offers, PartChoice, shown_name
from imagerag.server.run import RunRequest
from imagerag.server.thread_history import LOCAL
from imagerag.settings import Settings, offered_part
from testing.offered_parts import offering_service
from testing.scripted import Squares

SDXL = "diffusers:some/model"


@pytest.mark.parametrize("text", ["sdxl", "generator=", "vlm=rules", "=sdxl", ""])
def test_an_offer_that_is_none_is_refused_with_its_form(text: str) -> None:
    with pytest.raises(UserError, match="no KIND=NAME"):
        offered_part(text)
    with pytest.raises(UserError, match="--offer"):
        Settings(offer=(text,))


def test_by_default_nothing_can_be_chosen_but_what_there_is() -> None:
    offers = Offers(Settings())
    assert [offers.names(kind) for kind in ("profile", "generator", "critic")] == [
        ["pictograms"],
        ["patchwork"],
        ["clip"],
    ]
    offers.check(PartChoice("pictograms", "patchwork", "clip"))
    for choice, text in (
        (PartChoice(generator="sdxl"), "generator 'sdxl' is not offered by this server; choose one of: patchwork"),
        (PartChoice(profile="cloud"), "profile 'cloud' is not offered"),
        (PartChoice(critic="openai:x"), "critic 'openai:x' is not offered"),
    ):
        with pytest.raises(UserError, match=text):
            offers.check(choice)


def test_what_can_never_be_used_is_refused_as_the_server_starts() -> None:
    for offer, text in (
        ("generator=nosuch", "offer 'generator=nosuch' can't be used: generator 'nosuch' is not known"),
        ("profile=nosuch", "offer 'profile=nosuch' can't be used"),
        ("critic=nosuch", "offer 'critic=nosuch' can't be used"),
    ):
        with pytest.raises(UserError, match=text):
            Offers(Settings(offer=(offer,)))
    with pytest.raises(UserError, match="given by the program"):
        Offers(Settings(offer=("generator=patchwork",)), Given.of(Squares()))


def test_a_generator_of_another_kind_brings_the_parts_that_fit_it() -> None:
    own = Settings(profile="pictograms", critic="clip", max_generations=2, lora=(), offer=(f"generator={SDXL}",))
    offers = Offers(own)
    settings = resolve(offers.settings(PartChoice(generator=SDXL)))
    assert (settings.generator, settings.profile) == (SDXL, "local")
    assert settings.critic != "clip", "the critic of pictograms can't judge photographs"
    assert settings.max_generations == 2, "limits are the server's"
    assert offers.settings(NO_CHOICE) is own
    assert offers.settings(PartChoice(generator="patchwork")) is own


def test_a_password_in_a_name_is_shown_to_nobody() -> None:
    name = "openai:m@http://user:secret@127.0.0.1:9/v1"
    offers = Offers(Settings(offer=(f"generator={name}",)))
    (shown,) = offers.beside_own("generator")
    assert "secret" not in shown
    assert shown == shown_name(name)
    assert offers.settings(PartChoice(generator=shown)).generator == name


def test_a_choice_holds_for_its_conversation_and_for_no_other(tmp_path: Path) -> None:
    with offering_service(tmp_path, "generator=circles", "critic=strict") as service:

        def drawn(thread: str, **choice: str) -> dict[str, str]:
            run = service.create(
                LOCAL, RunRequest("an owl", thread=thread, choice=PartChoice(**choice), mode="no_lookup")
            )
            assert run.wait(30)
            assert run.error is None
            return run.parts

        circles = {"profile": "pictograms", "generator": "circles", "critic": "kind"}
        assert drawn("sea", generator="circles") == circles
        assert drawn("sea") == circles
        assert drawn("sea", critic="strict") == circles | {"critic": "strict"}
        assert drawn("land") == circles | {"generator": "squares"}
        assert drawn("sea", generator="squares") == circles | {"generator": "squares", "critic": "strict"}
        assert drawn("sea")["generator"] == "squares"
        with pytest.raises(UserError, match="'triangles' is not offered"):
            drawn("sea", generator="triangles")


def test_what_is_offered_no_longer_is_told_and_left(tmp_path: Path) -> None:
    with offering_service(tmp_path, "generator=circles") as service:
        asked = RunRequest("an owl", thread="sea", choice=PartChoice(generator="circles"))
        assert service.create(LOCAL, asked).wait(30)
    with offering_service(tmp_path) as service:
        run = service.create(LOCAL, RunRequest("an owl", thread="sea"))
        assert run.wait(30)
        assert run.parts["generator"] == "squares"
        told = [event["text"] for event in run.events if event["event"] == "note"]
        assert any("'circles' of this conversation's earlier turns is no longer offered" in text for text in told)
