"""Which thing of a picture is of the kind of a new one, by the library's keywords: what "a cat instead" stands for."""

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.keywords import kind_of
from imagerag.agent.follow_up.scene_edit import is_setting

_KEYWORD, _CATEGORY = 2, 1
"""What one keyword in common counts, and the same category."""


def most_alike(edit: Edit, phrase: str) -> int | None:
    """Return the place of the one thing that is most like a new one; ``None`` where there is none, or several.

    Args:
        edit: of the picture.
        phrase: of the new thing.
    """
    words, category = kind_of(phrase)
    scores: dict[int, int] = {}
    for at, item in enumerate(edit.items):
        if is_setting(edit.items, at) or item.thing.phrase == phrase:
            continue
        own_words, own_category = kind_of(item.thing.phrase)
        scores[at] = _KEYWORD * len(words & own_words) + _CATEGORY * (category == own_category != "")
    best = [at for at, score in scores.items() if score and score == max(scores.values())]
    return best[0] if len(best) == 1 else None
