"""What a follow-up request means, by rule: "now put it on the moon", "go back to the second one and make it red"."""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from imagerag.agent.protocols import Brief, PastImage
from imagerag.errors import UserError
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.scene import Scene
from imagerag.prompt_grammar.vocabulary import COLOURS, STYLES, RelationKind, Size

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_THING = r"(?:one|image|picture|drawing|version)"
_GO_BACK = re.compile(
    rf"(?:go back to|back to|return to|take|use|with) (?:the )?"
    rf"(?:(?P<nth>{'|'.join(_ORDINALS)}|last|latest|previous|original) {_THING}"
    rf"|{_THING} (?:number )?#?(?P<number>\d+)|(?P<id>image-\d+))",
)
_LINK = re.compile(r"^(?:[\s,.;:]*(?:and|then|but|now|also|please|so|just)\b)*[\s,.;:]*")
_IT = r"(?:it|that|them|this|everything|(?:the )?(?:picture|image|drawing|scene))"
_AGAIN = re.compile(rf"^(?:again|once more|another(?: {_THING})?|try again|redo(?: it)?|one more)(?: please)?[.!]?$")
_RELATIONS: dict[str, RelationKind] = {
    "on top of": "on",
    "in front of": "in front of",
    "next to": "beside",
    "beside": "beside",
    "behind": "behind",
    "above": "above",
    "under": "below",
    "below": "below",
    "inside": "inside",
    "on": "on",
    "in": "inside",
    "at": "inside",
}
_PUT = re.compile(
    rf"^(?:put|place|set|move|show|draw) (?P<thing>{_IT}|the .+?) (?P<how>{'|'.join(_RELATIONS)}) (?P<what>.+)$"
)
_MAKE = re.compile(
    rf"^(?:make|turn|paint|colou?r|draw|show|do) (?P<what>{_IT}|the .+?)(?: to be| into| in)? (?P<how>.+)$"
)
_ADD = re.compile(r"^(?:(?:add|include|give it|draw)|with|plus) (?P<what>.+?)(?: to it| as well| too)?$")
_REMOVE = re.compile(r"^(?:remove|without|drop|delete|take away|no more|lose) (?P<what>.+?)(?: from it)?$")
_SWAP = re.compile(r"^(?:replace|swap|change|exchange) (?P<old>.+?) (?:with|by|for|to|into) (?P<new>.+)$")
_IN_STYLE = re.compile(r"^(?:(?:the same|now|it|this) )?(?:but )?in (?:an? |the )?(?P<style>.+?)(?: style)?$")
_SIZES: dict[str, Size] = {"bigger": "large", "larger": "large", "big": "large", "smaller": "small", "tiny": "small"}
_POINTS_BACK = re.compile(
    r"^(?:put|place|set|move|make|turn|paint|colou?r|show|do|give|remove|replace|swap|change) (?:it|them)\b(?! rain\b)"
)
_ARTICLE = re.compile(r"^(?:an?|the|some|my) ")


class FollowUps:
    """Reads requests as changes of an earlier picture.

    Args:
        names: names that the prompt grammar keeps whole.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def brief(self, request: str, history: Sequence[PastImage]) -> Brief:
        """Apply a follow-up ("now put it on the moon", "go back to the second one and make it red") to what was.

        A request that names no change of the earlier picture stands for itself.

        Raises:
            UserError: it goes back to an image, or takes something away, that isn't there.
        """
        text = " ".join(request.lower().split()).rstrip(".!")
        if not history:
            return _first(request, text)
        base = history[-1]
        rest = text
        if found := _GO_BACK.search(text):
            base = _pick(found, history)
            rest = text[: found.start()] + " " + text[found.end() :]
        rest = _LINK.sub("", rest.strip()).strip()
        scene = parse_scene(base.prompt, self._names)
        if not rest or _AGAIN.match(rest):
            again = bool(_AGAIN.match(rest))
            return Brief(base.prompt, base.id, keep_seed=not again) if found or again else Brief(request)
        changed = False
        for clause in re.split(r",? and (?=make|put|add|remove|place|turn|paint|draw it|give)|, then | then ", rest):
            edited = self._edit(scene, _LINK.sub("", clause).strip())
            if edited is None and not changed:
                return Brief(request)
            if edited is not None:
                scene, changed = edited, True
        return Brief(scene.describe(), base.id)

    def _edit(self, scene: Scene, clause: str) -> Scene | None:
        """Return the scene as the clause changes it, or ``None`` when the clause is no change."""
        if found := _PUT.match(clause):
            what, thing = found["what"], found["thing"]
            if not re.fullmatch(_IT, thing) and not _named(scene, thing):
                return None
            if background := re.fullmatch(r"(?:an? )?(.+?) background", what):
                return _coloured(scene, background[1], "background")
            return scene.with_relation(_RELATIONS[found["how"]], what, self._names)
        if found := _SWAP.match(clause):
            old = _named(scene, found["old"])
            if old:
                return scene.without(old).with_object(found["new"], self._names)
            if found["old"].removeprefix("the ") == "background":
                return _coloured(scene, found["new"], "background")
        if found := _MAKE.match(clause):
            return self._make(scene, found["what"], found["how"])
        if found := _REMOVE.match(clause):
            named = _named(scene, found["what"])
            if named is None:
                have = ", ".join(scene.content_concepts())
                raise UserError(f"{found['what']!r} can't be taken away: the picture shows {have}; name one of these")
            return scene.without(named)
        if (found := _IN_STYLE.match(clause)) and found["style"] in STYLES:
            return scene.with_style(found["style"])
        if found := _ADD.match(clause):
            if background := re.fullmatch(r"(?:an? )?(.+?) background", found["what"]):
                return _coloured(scene, background[1], "background")
            return scene.with_object(found["what"], self._names)
        if clause in STYLES or clause in COLOURS:
            return self._make(scene, "it", clause)
        if found := re.match(rf"^(?P<how>{'|'.join(_RELATIONS)}) (?P<what>.+)$", clause):
            if background := re.fullmatch(r"(?:an? )?(.+?) background", found["what"]):
                return _coloured(scene, background[1], "background")
            return scene.with_relation(_RELATIONS[found["how"]], found["what"], self._names)
        return None

    def _make(self, scene: Scene, what: str, how: str) -> Scene | None:
        how = _ARTICLE.sub("", how)
        style = how.removesuffix(" style")
        if style in STYLES:
            return scene.with_style(style)
        if what in ("the background", "background"):
            return _coloured(scene, how, "background")
        named = None if re.fullmatch(_IT, what) else _named(scene, what)
        if named is None and not re.fullmatch(_IT, what):
            return None
        if how in _SIZES:
            first = named or scene.content_concepts()[0]
            sized = (replace(o, size=_SIZES[how]) if o.phrase == first else o for o in scene.objects)
            return replace(scene, objects=tuple(sized))
        return _coloured(scene, how, named)


def _first(request: str, text: str) -> Brief:
    if _GO_BACK.fullmatch(text) or _POINTS_BACK.match(_LINK.sub("", text)) or _AGAIN.match(text):
        raise UserError(
            f"{request!r} changes an earlier picture, and this thread has none; say what to draw, or go on with the "
            "thread that has it (--thread)"
        )
    return Brief(request)


def _coloured(scene: Scene, colour: str, what: str | None) -> Scene | None:
    colour = _ARTICLE.sub("", colour)
    try:
        return scene.with_background(colour) if what == "background" else scene.with_colour(what, colour)
    except ValueError:  # not a colour, so the clause means something else
        return None


def _named(scene: Scene, words: str) -> str | None:
    """Return the phrase of the scene that the words name."""
    wanted = parse_scene(words).content_concepts()
    phrases = scene.content_concepts()
    return next((phrase for phrase in phrases if wanted and (phrase == wanted[0] or wanted[0] in phrase.split())), None)


def _pick(found: re.Match[str], history: Sequence[PastImage]) -> PastImage:
    """Return the image that the words name, counting from the first of the thread."""
    place: int | None
    if found["id"]:
        place = next((k for k, image in enumerate(history) if image.id == found["id"]), None)
    elif found["number"]:
        place = int(found["number"]) - 1
    elif found["nth"] in _ORDINALS:
        place = _ORDINALS.index(found["nth"])
    else:
        place = {"last": -1, "latest": -1, "previous": -2, "original": 0}[found["nth"]]
    if place is None or not -len(history) <= place < len(history):
        have = ", ".join(image.id for image in history)
        raise UserError(f"{found[0]!r} names no image of this thread; it has {have}")
    return history[place]
