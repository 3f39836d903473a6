"""What is said in passing beside an order, and asks for nothing: "that's lovely, dear", "it feels a bit empty"."""

import re
from collections.abc import Sequence

from imagerag.agent.follow_up.phrases import phrases, starts_with

_LEADS = r"(?:(?:and|but|so|well|oh|ok|okay|hmm|though|honestly|now|yes|yeah|no|wow|aw|aww|ah|hm|haha) )*"
_BE = (
    r"(?:is|are|was|were|am|isn't|aren't|wasn't|weren't|look|looks|looked|feel|feels|felt|seem|seems|seemed|sounds?|"
    r"reminds?|turned out|came out|works?|stands?|gets?|got)"
)
_MIND = (
    r"(?:like|liked|love|loved|hate|hated|adore|enjoy|forgot|know|knew|think|thought|guess|wonder|hope|believe|see|"
    r"said|told|asked|find|found|get|don't|didn't|do not|did not|can't|cannot|never|am|was|nearly|almost|just)"
)
_SUBJECT = r"(?:it|that|this|they|he|she|everything|something|there|these|those|(?:the|my|his|her|its|your) [\w' -]+?)"
_PASSING = re.compile(
    _LEADS
    + r"(?:"
    + rf"{_SUBJECT}(?:'s|'re|n't| (?:just |really |still |all |kind of |a bit )*{_BE})\b.*"
    + rf"|(?:i|we|you)(?:'m|'re|'ve| (?:really |just |do |still |also |quite )*{_MIND})\b.*"
    + r"|(?:isn't|aren't|wasn't|doesn't|don't you|is|are|does|did|was) .*"
    + r"|(?:feels|looks|seems|sounds|love|loving|because|since|so that|as if|just like|kind of like|not bad|"
    r"not great|what an?|how|almost|nearly|poor|silly|nice|cute|lovely|great|good|close|cool|very|so|too bad|sorry|"
    r"thanks|thank)\b.*"
    + r"|(?!(?:add|us|mak|giv|remov|replac|chang|swapp|paint|colour|color|mov|switch|putt|turn)ing\b)"
    + r"(?!(?:wear|hold|carry|ly|rid|sitt|stand)ing\b)"
    + r"[a-z]{3,}ing (?:at|in|on|to|for|with|around|about|along|like|the|up|down|away)\b.*"
    + r"|like (?:an?|in|the|my|on|at|that|this|those|these) .*"
    + r"|(?:dear|love|mate|sir|madam|buddy|darling|friend|honey|pal|man|dude|bro|guys|folks)"
    + r")"
)
_WISHES = re.compile(
    r"\b(?:should|could|would|needs?|must|wants?|wish|prefer|rather|instead|without|more|less|fewer|make|made it|add|"
    r"remove|put|replace|swap|change|turn|another|let|give|missing|lacks?|enough|supposed|meant to|please|want|ought|"
    r"better|behind|beside|next to|on top|too (?:big|large|small|tiny|dark|bright|many|few))\b"
)


_WANTS = re.compile(
    r"\b(?:should|could|would|needs?|must|wants?|wish|prefer|instead|without|another|let|give|missing|lacks?|"
    r"please|want|ought|undo|back|again|same|different|new|other|no|not)\b"
)


def wishes(words: Sequence[str]) -> bool:
    """Tell whether words may be a wish, or an order, that was not read: then they are nothing to leave out."""
    verbs = _changing()
    ordered = any(starts_with(words[at:], verbs) for at in range(len(words)))
    return ordered or _WANTS.search(" ".join(words)) is not None


def in_passing(words: Sequence[str]) -> bool:
    """Tell whether a sentence, or a clause, only says how something is or is found, whatever it speaks of.

    Args:
        words: of it, in lower case, beside another one that is an order.
    """
    text = " ".join(word for word in words if word not in (",", ".", "!", "?", ";", ":"))
    if not text or starts_with(text.split(), _changing()):
        return False
    if text.startswith(("isn't ", "aren't ", "wasn't ")) and not re.search(r"\b(?:there|better|nicer)\b", text):
        return True  # "isn't the whale too dark?"
    return _PASSING.fullmatch(text) is not None and _WISHES.search(text) is None


def _changing() -> tuple[tuple[str, ...], ...]:
    verbs = phrases().verbs
    return tuple(
        verb
        for kind in ("put", "remove", "replace", "make", "give", "add")
        for verb in verbs[kind]
        if verb not in (("with",), ("and",), ("no",), ("plus",), ("without",), ("get",))
    )
