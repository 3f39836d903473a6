"""Evidence for concepts, window by window; windows of a photograph, and exemplars that are left out."""

import numpy as np
import pytest

from imagerag.assets.library import Library
from imagerag.embedders.registry import embedded_clip
from imagerag.embedders.window_evidence import COARSE, Exemplars, WindowEvidence, windows


def test_a_photograph_is_cut_into_fourteen_windows_that_cover_it() -> None:
    boxes = windows((300, 200), COARSE)
    assert len(boxes) == 14
    covered = np.zeros((200, 300), bool)
    for left, top, right, bottom in boxes[1:]:
        covered[top:bottom, left:right] = True
    assert covered.all()


def test_an_image_that_is_an_exemplar_itself_can_be_left_out() -> None:
    library, embedder = Library(), embedded_clip()
    rows = [library.by_concept[name][0] for name in ("owl", "lobster")]
    pictures = embedder.embed_images([library.image(row).convert("RGB") for row in rows])
    eyes = WindowEvidence(embedder, ["owl", "lobster"], Exemplars(pictures, ["owl", "lobster"]), COARSE)
    seen = eyes.see(library.image(rows[0]))
    whole = eyes.evidence(seen, ["owl"], 65.0, 0.75)
    assert whole.likeness[0] > 0.99
    assert whole.margin[0] > 0
    without = eyes.evidence(seen, ["owl"], 65.0, 0.75, np.array([True, False]))
    assert np.isnan(without.likeness[0])
    assert without.log_odds[0] == whole.log_odds[0]


def test_where_no_exemplar_has_the_name_its_kinds_show_it() -> None:
    names = ["palm tree", "owl", "man bouncing ball", "fork and knife with plate", "treehouse"]
    eyes = WindowEvidence(embedded_clip(), [], Exemplars(np.eye(5, dtype=np.float32), names), COARSE)
    assert [eyes.shows(name) for name in ("tree", "owl", "ball", "plate", "house", "palm")] == [
        *(True, True, False, False, False, False)
    ]
    assert eyes.likeness(np.eye(5, dtype=np.float32), "tree").tolist() == [1, 0, 0, 0, 0]
    both = WindowEvidence(embedded_clip(), [], Exemplars(np.eye(2, dtype=np.float32), ["palm tree", "tree"]), COARSE)
    assert both.likeness(np.eye(2, dtype=np.float32), "tree").tolist() == [0, 1], "its own name goes before"


def test_a_picture_is_seen_where_no_other_known_picture_is_nearer() -> None:
    other = np.array([[0.0, 1.0, 0.0]], np.float32)
    eyes = WindowEvidence(embedded_clip(), [], Exemplars(other, ["owl"]), COARSE)
    picture = np.array([[1.0, 0.0, 0.0]], np.float32)
    its_window, owl_window = np.array([0.8, 0.6, 0.0], np.float32), np.array([0.6, 0.8, 0.0], np.float32)
    assert eyes.shows_picture(np.stack([its_window, owl_window]), picture) == pytest.approx(0.2)
    assert eyes.shows_picture(owl_window[None], picture) == pytest.approx(-0.2)
    again = WindowEvidence(embedded_clip(), [], Exemplars(np.concatenate([other, picture]), ["owl", "badge"]), COARSE)
    assert again.shows_picture(its_window[None], picture) == pytest.approx(0.2), "the same picture is no rival"
    assert WindowEvidence(embedded_clip(), []).shows_picture(its_window[None], picture) is None
