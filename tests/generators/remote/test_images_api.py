"""What generators behind an images API share."""

import pytest

from imagerag.errors import UserError
from imagerag.generators.remote.gemini_images import GeminiImages
from imagerag.generators.remote.images_api import ImagesApi
from imagerag.generators.remote.openai_images import OpenAIImages


@pytest.mark.parametrize(("kind", "prefix"), [(OpenAIImages, "openai"), (GeminiImages, "google_genai")])
def test_no_credentials_stand_in_a_name_that_is_told(kind: type[ImagesApi], prefix: str) -> None:
    made = kind("m@http://me:secret@127.0.0.1:9/v1")  # type: ignore[call-arg]
    assert made.name == f"{prefix}:m@http://127.0.0.1:9/v1"


@pytest.mark.parametrize(("kind", "prefix"), [(OpenAIImages, "openai"), (GeminiImages, "google_genai")])
def test_what_is_no_name_says_what_one_is(kind: type[ImagesApi], prefix: str) -> None:
    with pytest.raises(UserError, match=f"'{prefix}:m@nowhere' is no name of a model; give {prefix}:MODEL or"):
        kind("m@nowhere")  # type: ignore[call-arg]
