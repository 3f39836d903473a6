"""Full-text search of captions."""

from pathlib import Path

from imagerag.index.user import UserPictures
from testing.user_pictures import listed, save_picture


def test_words_of_captions_are_found_that_the_model_would_not_rank_first(own: UserPictures, tmp_path: Path) -> None:
    rows = []
    for concept, caption in (("owl", "inventory 4711"), ("rooster", "inventory 4712"), ("penguin", "inventory 4713")):
        save_picture(tmp_path, f"{concept}.png", concept)
        rows.append({"path": f"{concept}.png", "caption": caption})
    own.add([listed(tmp_path, rows)])
    for caption in ("inventory 4711", "inventory 4712", "inventory 4713"):
        assert own.search([caption], 1, fused=True)[0][0].title == caption
