"""The header by which a browser names the file that it keeps of an answer."""

from urllib.parse import quote


def as_file(name: str, *, shown: bool = False) -> dict[str, str]:
    """Return the header that names a file (RFC 6266): a conversation's name may be of letters of any script.

    Args:
        name: of letters, digits, dots, hyphens and underscores.
        shown: whether a browser that is led there shows it, instead of keeping it at once.
    """
    plain = "".join(sign if sign.isascii() else "_" for sign in name)
    more = "" if plain == name else f"; filename*=UTF-8''{quote(name)}"
    return {"content-disposition": f'{"inline" if shown else "attachment"}; filename="{plain}"{more}'}
