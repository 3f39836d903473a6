"""What the names of models mean."""

from pathlib import Path

import openai
import pytest

from imagerag.server.api_error import ApiError
from imagerag.server.offers import Offers, PartChoice
from imagerag.server.openai.models import Meaning, meaning_of, models
from imagerag.server.openai.schemas import RunOptions
from imagerag.settings import Settings
from testing.offered_parts import offering_service
from testing.servers import Served


def test_models_name_modes_and_offered_parts() -> None:
    offers = Offers(Settings(offer=("generator=diffusers:a/b",)))
    assert meaning_of(None, offers) == meaning_of("imagerag", offers) == Meaning()
    assert meaning_of("imagerag:lookup_first", offers).mode == "lookup_first"
    assert meaning_of("imagerag:generator=diffusers:a/b", offers).choice == PartChoice(generator="diffusers:a/b")
    for name in ("gpt-image-1", "imagerag:generator=sdxl", "imagerag:generator=patchwork"):
        with pytest.raises(ApiError, match=r"choose one of: imagerag, .*generator=diffusers:a/b"):
            meaning_of(name, offers)
    assert "imagerag:generator=patchwork" not in models(offers), "the server's own needs no name"


def test_what_the_request_says_itself_goes_before_its_model() -> None:
    meaning = Meaning("lookup_first", PartChoice(generator="a", critic="b"))
    own = meaning.added_to(RunOptions(generator="c"))
    assert (own.mode, own.generator, own.critic) == ("lookup_first", "c", "b")


def test_a_client_finds_and_uses_what_is_offered(tmp_path: Path) -> None:
    with offering_service(tmp_path, "generator=circles") as service:
        server = Served(service)
        try:
            client = server.client()
            names = [model.id for model in client.models.list()]
            assert names[-1] == "imagerag:generator=circles"
            assert client.models.retrieve(names[-1]).id == names[-1]
            told = client.images.generate(model=names[-1], prompt="an owl").model_dump()["imagerag"]
            assert (told["generator"], told["critic"], told["profile"]) == ("circles", "kind", "pictograms")
            with pytest.raises(openai.BadRequestError, match="'pencils' is not offered by this server"):
                client.images.generate(prompt="an owl", extra_body={"imagerag": {"generator": "pencils"}})
        finally:
            server.stop()
