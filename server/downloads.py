"""The header by which a browser keeps an answer as a file."""

from urllib.parse import quote


def as_file(name: str) -> dict[str, str]:
    """Return the header that names a file (RFC 6266): a conversation's name may be of letters of any script.

    Args:
        name: of letters, digits, dots, hyphens and underscores.
    """
    plain = "".join(sign if sign.isascii() else "_" for sign in name)
    more = "" if plain == name else f"; filename*=UTF-8''{quote(name)}"
    return {"content-disposition": f'attachment; filename="{plain}"{more}'}
