"""Where a concept is in a picture."""

import random

from PIL import Image

from imagerag.assets.library import bundled_library
from imagerag.embedders.concept_region import concept_region, grown
from imagerag.embedders.registry import embedded_clip


def test_a_pictogram_is_found_among_others() -> None:
    library, random_ = bundled_library(), random.Random(4)
    found = 0
    for concept, spot in (("lobster", (150, 20)), ("owl", (10, 140)), ("bicycle", (140, 140)), ("pineapple", (20, 20))):
        page = Image.new("RGB", (256, 256))
        page.putdata([(random_.randrange(256), random_.randrange(256), random_.randrange(256)) for _ in range(256**2)])
        shown = library.image(library.by_concept[concept][0]).resize((100, 100))
        page.paste(shown, spot, shown)
        box = concept_region(page, concept, embedded_clip())
        middle = (spot[0] + 50, spot[1] + 50)
        found += box is not None and box[0] < middle[0] < box[2] and box[1] < middle[1] < box[3]
    assert found >= 3


def test_a_box_grows_around_its_middle_as_far_as_the_picture_reaches() -> None:
    assert grown((100, 100, 140, 140), (256, 256), 1.5) == (90, 90, 150, 150)
    assert grown((0, 200, 100, 256), (256, 256), 2) == (0, 172, 150, 256)
    assert grown((10, 10, 20, 20), (256, 256), 1) == (10, 10, 20, 20)
