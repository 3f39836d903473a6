"""Labels of prompts that are written as lists or sentences: "Camera: Nikon Z9. Lighting: soft", "The mood is calm"."""

import re
from typing import NamedTuple

_OPEN = (
    r"light|lighting|mood|atmosphere|style|art style|visual style|colou?r palette|colou?rs|palette|colou?r grading"
    r"|tones?|composition|framing|perspective|angle|camera angle|viewpoint|view|quality|technique|medium|aesthetic|vibe"
    r"|time of day|year|era|decade|details|textures?|rendering|post-?processing|effects?|finish|focus|depth of field"
)
"""What is said of them may be any words."""
_GEAR = (
    r"camera|lens|aperture|shutter|shutter speed|iso|focal length|film|film stock|exposure|white balance|f-?stop|gear"
    r"|equipment|render engine|renderer|engine|resolution|aspect ratio|ratio|format|shot|shot type|camera settings"
    r"|settings|steps|sampler|cfg|cfg scale|seed|size|model|model hash|vae|clip skip|scheduler|guidance|guidance scale"
    r"|denoising strength|version|orientation"
)
_CONTENT = (
    r"subject|main subject|scene|setting|environment|location|foreground|action|description|content|theme|caption"
)
_LABEL = re.compile(
    rf"(?:^|(?<=[.,;|])\s*)\s*[-*]?\s*(?:(?P<open>{_OPEN})|(?P<gear>{_GEAR})|(?P<content>{_CONTENT}))\s?:\s+(?=\S)"
    rf"|(?:^|(?<=[.;|])\s*)\s*(?:the )?(?:overall )?(?P<said>{_OPEN}|camera settings|aspect ratio)"
    r" (?:is|are|should be|feels?|creates?|has|have) (?=\S)"
)
_END = re.compile(r"[.;|](?=\s|$)")
_ITEM = re.compile(r",(?=\s|$)")
_THING = re.compile(r"(?:an?|the|some|two|three|four)\s")


class Labelled(NamedTuple):
    """A prompt without its labels.

    Attributes:
        text: what is to be seen; the labels of subjects and settings are left out of it.
        modifiers: what labels of gear, light and mood say, each with its label, in order, each once.
    """

    text: str
    modifiers: tuple[str, ...]


def take_labels(text: str) -> Labelled:
    """Take labels out of a prompt in lower case, in time linear in its length.

    A label's words end with its sentence; of gear with the next comma, and of the others with the next item that
    begins with an article, which is a thing again.
    """
    found = list(_LABEL.finditer(text))
    if not found:
        return Labelled(text, ())
    kept = [text[: found[0].start()]]
    modifiers: dict[str, None] = {}
    for label, following in zip(found, [*found[1:], None], strict=True):
        behind = text[label.end() : following.start() if following else len(text)]
        if label["content"]:
            kept.append(behind)
            continue
        end = _END.search(behind)
        said, rest = (behind[: end.start()], behind[end.end() :]) if end else (behind, "")
        items = _ITEM.split(said)
        most = 1 if label["gear"] else len(items)
        taken = next((at for at in range(1, most) if _THING.match(items[at].lstrip())), most)
        name = label["open"] or label["gear"] or label["said"]
        modifiers |= {f"{name}: {words}": None for item in items[:taken] if (words := item.strip(" ,.;|"))}
        kept += [",".join(items[taken:]), rest]
    return Labelled(", ".join(part for raw in kept if (part := raw.strip(" ,.;|"))), tuple(modifiers))
