"""Sentences that ask for the title or the summary of a conversation, told apart from pictures with a title in them.

A title is asked for where it is the verb's object and of a conversation or message ("write a short title for the
chat"), or where a looser sentence has a second sign beside it: a transcript, or limits such as "no quotes" after an
answer. In "a book cover with the title The Conversation" it is neither.
"""

import re

SEARCH_HEAD = 800
"""Characters of a message in which its template's sentence stands."""

_TALK = (
    r"(?:the|this|that|our|your|my|a|an|following|previous|above)\s+(?:[\w'\u2019-]+\s+){0,2}?"
    r"(?:conversation|chat|discussion|dialogue|dialog|thread|session)s?\b(?!['\u2019]s?\s+\w|-)"
)
_TALK_ENDS = (
    r"(?=\s*(?:$|[^\w\s]|\n)|\s+(?:session|thread|history|log|transcript|messages?|that|which|using|in|with|based|so|"
    r"and|or|above|below|without|by|if|no|to|from|into|between|where|when|only|do|use|return|reply)\b)"
)
_MESSAGE = (
    r"(?:the|this|that|a|an|following|previous|above)\s+(?:[\w'\u2019-]+\s+){0,3}?"
    r"(?:request|message|query|question|prompt|text|input)s?\b"
)
_VERB = (
    r"\b(?:generate|create|write|give|provide|make|come up with|output|suggest|propose|craft|produce|compose|choose|"
    r"pick|extract|return|(?:reply|respond|answer) with|summari[sz]e(?:\s+[\w'\u2019-]+){0,6}?\s+(?:in|into|as|to))\s+"
)
_PREPOSITION = (
    r"(?:with|of|for|on|about|from|featuring|showing|titled|named|called|that|whose|by|at|under|above|below)\b"
)
_ADJECTIVES = rf"(?:(?!{_PREPOSITION})[\w'\u2019/()-]+(?:,?\s+)){{0,10}}?"
_NOUN = r"(?:title|name|topic|headline|heading|label|subject(?:\s+line)?)s?\b(?:\s*\([^)\n]{0,60}\))?"
_NO_OTHER_NOUN = (
    r"(?=\s*(?:$|[.,;!?\n])|\s+(?:for|of|from|that|which|summari[sz]ing|describing|capturing|based|to|in|within|using|"
    r"with|without|only|and|or|of|by|at|no|under|representing|reflecting)\b)"
)
_TITLE = rf"{_ADJECTIVES}{_NOUN}{_NO_OTHER_NOUN}"
_OF_IT = re.compile(rf"{_VERB}{_TITLE}[^.\n:]{{0,80}}?\b{_TALK}{_TALK_ENDS}(?!\s+on\b)", re.IGNORECASE)
_GIVEN_TO_IT = re.compile(
    rf"\b(?:give|name|summari[sz]e|condense|turn|make)\s+{_TALK}\s+(?:(?:in|into|as|to|with)\s+)?{_TITLE}",
    re.IGNORECASE,
)
_NAMED = re.compile(
    rf"(?:^|[.!?\n]\s*)(?:please\s+|now\s+)?(?:title|name|label)\s+{_TALK}{_TALK_ENDS}(?!\s+on\b)", re.IGNORECASE
)
"""Has the title as its verb: "Title this chat: ..."."""
_TAGS = re.compile(
    rf"{_VERB}{_ADJECTIVES}(?:tags|keywords|categories|hashtags)\b[^.\n:]{{0,80}}?\b{_TALK}"
    rf"(?:{_TALK_ENDS}|(?=\s+as\s+(?:an?\s+)?(?:json|list|array|comma|strings?)\b))",
    re.IGNORECASE,
)
_OF_MESSAGE = re.compile(rf"{_VERB}{_TITLE}[^.\n:]{{0,60}}?\b(?:{_MESSAGE}|the\s+(?:new|main)\s+topic)", re.IGNORECASE)
_BARE = re.compile(rf"{_VERB}{_TITLE}", re.IGNORECASE)
_LOOSE = re.compile(
    rf"\b(?:title|name|topic)\b.{{0,120}}?\b{_TALK}|\b{_TALK}.{{0,80}}?\b(?:title|name|topic)\b",
    re.IGNORECASE | re.DOTALL,
)
_IN_A_PICTURE = re.compile(
    r"\b(?:with|bearing|has|have|having|saying|reading|carrying|about|on)\s+(?:the\s+|a\s+|its\s+)?(?:title|name|topic)"
    r"|\b(?:title|name)\s*:|\b(?:title|name)\s+[\"'\u2018\u201c]",
    re.IGNORECASE,
)
_ONLY_TITLE = re.compile(
    r"\btitle only\b|\b(?:only|just)\s+(?:(?:return|reply with|give|output|the|a)\s+){0,3}title\b|"
    r"\bhere is the (?:message|text|query|request)\b",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"\b(?:only|nothing else)\b|\b(?:\d+|two|three|four|five|six|seven|eight|nine|ten)[ -](?:words?|characters?)\b|"
    r"\bno(?:t use)? (?:quot|punctuation)|\bwithout (?:quot|punctuation)|\b(?:no|not) (?:more|longer) than\b|"
    r"\bat most\b|\bmax(?:imum)?\b|\bconcise\b|\bshort\b|\bbrief\b|\bjson\b",
    re.IGNORECASE,
)
_PICTURE = re.compile(
    r"\b(?:draw|drawing|picture|image|photo|painting|illustration|poster|logo|banner|comic|cartoon|sketch|"
    r"watercolou?r|sticker|wallpaper|mural|collage|infographic|meme)s?\b",
    re.IGNORECASE,
)
"""A sentence with one of these, and with a title, asks for a picture."""
_SUMMARY = re.compile(rf"^(?:please\s+)?(?:briefly\s+)?summari[sz]e\s+{_TALK}(?P<rest>[^.\n:]{{0,200}})", re.IGNORECASE)
_IN_SOME_FORM = re.compile(r"\b(?:as|into|in|with|through|like|using|via)\s+(?P<form>[^,]+)", re.IGNORECASE)
_FORM_OF_WORDS = re.compile(
    r"\b(?:words?|sentences?|paragraphs?|bullets?|points?|lines?|characters?|text|prose|language|json|markdown|prompt|"
    r"message|list|details?|tokens?|summary|context|notes?|few|brief|short|less|title|following|mind|user|assistant)\b",
    re.IGNORECASE,
)
_CHINESE_END = r"(?=\s*(?:$|[^\w\s]|\n))"
_CHINESE_TITLE = re.compile(rf"(?:总结|概括|生成|返回|提取|起|取).{{0,60}}?(?:标题|主题){_CHINESE_END}", re.DOTALL)
_CHINESE_SIGN = re.compile(r"对话|会话|聊天|这句话|[以如]下|上[述面]|不要|直接返回|字以?内|个字|消息|标点")
_CHINESE_PICTURE = re.compile(r"[画图]|照片|海报")
_TRANSCRIPT = re.compile(r"^[ \t]*(?:user|human|ai|assistant)[ \t]*:|<(?:chat_history|conversation)>", re.I | re.M)


def asks_for_title(text: str, *, after_answer: bool = False) -> bool:
    """Tell whether a message asks for the title of a conversation, and for no picture.

    Args:
        after_answer: an assistant has answered before it, so that there is something to be named.
    """
    return end_of_title_request(text, after_answer=after_answer) is not None


def end_of_title_request(text: str, *, after_answer: bool = False) -> int | None:
    """Return where in a message the words end that ask for a title; ``None`` where none do; see ``asks_for_title``."""
    head = text[:SEARCH_HEAD]
    if (found := _CHINESE_TITLE.search(head)) and _CHINESE_SIGN.search(head):
        return None if _CHINESE_PICTURE.search(head) else found.end()
    found = _OF_IT.search(head) or _GIVEN_TO_IT.search(head) or _NAMED.search(head)
    if found is None and _LIMIT.search(head):
        found = _OF_MESSAGE.search(head)
        found = found or (_BARE.search(head) if _ONLY_TITLE.search(head) else None)
    if found is None:
        sign = _TRANSCRIPT.search(text[: 4 * SEARCH_HEAD]) or (after_answer and _LIMIT.search(head))
        found = _LOOSE.search(head) if sign else None
        if found and _IN_A_PICTURE.search(head):
            return None
    if found is None:
        return None
    sentence = re.split(r"[.\n:]", head[found.end() :], maxsplit=1)[0]
    return None if _PICTURE.search(head[: found.end()] + sentence) else found.end()


def instructs_to_title(instructions: str) -> bool:
    """Tell whether a system message makes a title of what the user writes, within limits."""
    head = instructions[:SEARCH_HEAD]
    if names_picture(head):
        return False
    if _CHINESE_TITLE.search(head) and _CHINESE_SIGN.search(head):  # signs are limits, too
        return _CHINESE_PICTURE.search(head) is None
    return _LIMIT.search(head) is not None and (asks_for_title(head) or _OF_MESSAGE.search(head) is not None)


def asks_for_summary(text: str) -> bool:
    """Tell whether a message begins by asking for the summary of a conversation in words."""
    found = _SUMMARY.search(text[:SEARCH_HEAD])
    if found is None or _PICTURE.search(text[:SEARCH_HEAD]):
        return False
    form = _IN_SOME_FORM.search(found["rest"])
    return form is None or _FORM_OF_WORDS.search(form["form"]) is not None or form["form"].strip()[:1].isupper()


def asks_for_tags(text: str) -> bool:
    """Tell whether a message asks for tags of a conversation, and for no picture."""
    head = text[:SEARCH_HEAD]
    found = _TAGS.search(head)
    return found is not None and not _PICTURE.search(re.split(r"[.\n:]", head[found.start() :], maxsplit=1)[0])


def names_picture(text: str) -> bool:
    """Tell whether a text has a word for a picture in it."""
    return _PICTURE.search(text) is not None
