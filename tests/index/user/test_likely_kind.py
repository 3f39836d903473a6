"""Pictures that look like another kind than somebody said."""

from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from imagerag.assets.library import bundled_library
from imagerag.errors import InvalidArgument
from imagerag.index.user.likely_kind import DRAWN, PHOTOGRAPHED, doubt_of_kind, flat_share
from testing.photographs import PHOTOGRAPHS

PHOTOS = [photograph.open() for photograph in PHOTOGRAPHS]
ICONS = [bundled_library().image(row) for row in range(0, 2400, 200)]


def library(pictures: list[Image.Image]) -> Any:
    known = {str(at): at for at in range(len(pictures))}
    return SimpleNamespace(
        snapshot=lambda: SimpleNamespace(by_address=known),
        image=lambda address: pictures[int(address)],
        name="birds",
        embedder=SimpleNamespace(model_id="m"),
    )


def test_photographs_have_few_even_areas_and_pictograms_many() -> None:
    assert max(map(flat_share, PHOTOS)) < PHOTOGRAPHED < min(map(flat_share, ICONS))
    assert flat_share(Image.new("RGBA", (1000, 20))) == 1
    assert flat_share(Image.new("L", (1, 9))) == 0


@pytest.mark.parametrize(
    ("pictures", "shows", "like"), [(ICONS, "photographs", "pictograms"), (PHOTOS, "pictograms", "photographs")]
)
def test_another_kind_than_was_said_is_told_with_the_command(pictures: Any, shows: Any, like: str) -> None:
    doubt = doubt_of_kind(library(pictures), "MODEL:TAG", shows)
    assert doubt is not None
    assert f"they count as {shows} and look like {like}" in doubt
    assert doubt.endswith(f"imagerag index calibrate --library birds --lookup-model MODEL:TAG --shows {like}")


@pytest.mark.parametrize(
    ("pictures", "shows"), [(PHOTOS, "photographs"), (ICONS, "pictograms"), (ICONS[:7], "photographs")]
)
def test_nothing_is_said_of_the_kind_that_was_said_or_of_few(pictures: Any, shows: Any) -> None:
    assert doubt_of_kind(library(pictures), "m", shows) is None


def test_some_drawings_among_photographs_are_no_doubt_and_what_is_gone_is_left_out() -> None:
    mixed = library([*PHOTOS, *ICONS[:5]])
    assert doubt_of_kind(mixed, "m", "photographs") is None
    image = mixed.image

    def gone(address: str) -> Image.Image:
        if int(address) % 3 == 0:
            raise InvalidArgument("gone")
        return image(address)  # type: ignore[no-any-return]

    mixed.image = gone
    assert doubt_of_kind(mixed, "m", "photographs") is None
    assert PHOTOGRAPHED < DRAWN
