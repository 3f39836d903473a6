"""Pictures painted back into the colours that a thing has in the library."""

import numpy as np

from imagerag.assets.library import bundled_library
from imagerag.evaluation.own_colours import painted_back, palettes
from imagerag.store.png import on_white
from testing.painting import painted


def test_a_painted_thing_comes_nearer_to_its_own_colours() -> None:
    library = bundled_library()
    own = library.image(library.by_concept["lobster"][0])
    blue = on_white(painted(own, "blue"))
    colours = palettes(library, "lobster")
    assert {palette.shape[1] for palette in colours} == {3}
    back = painted_back(blue, "blue", colours)
    assert len(back) == len(colours)

    def away(image: object) -> float:
        return float(np.abs(np.asarray(image, float) - np.asarray(on_white(own), float)).mean())

    assert min(map(away, back)) < away(blue) / 2


def test_what_is_of_another_colour_stays_as_it_is() -> None:
    library = bundled_library()
    frog = on_white(library.image(library.by_concept["frog"][0]))
    (back, *_) = painted_back(frog, "purple", palettes(library, "lobster"))
    assert np.abs(np.asarray(back, float) - np.asarray(frog, float)).mean() < 1
