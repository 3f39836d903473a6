"""How much JSON of a collection is read: a few bytes of it become some hundred of memory."""

from imagerag.errors import UserError

MOST_VALUES = 2**24
"""Each takes some 60 bytes of memory or more; COCO's captions of its 118,000 pictures are 5 million."""


def check_values(text: str, name: str) -> None:
    """Refuse JSON of very many values, by the characters before them.

    Args:
        text: anybody's.
        name: of its file, for the error.

    Raises:
        UserError: there may be more than ``MOST_VALUES``.
    """
    if text.count(",") + text.count("{") + text.count("[") > MOST_VALUES:
        raise UserError(f"{name!r} has more than {MOST_VALUES} values; split it")
