"""The embedded driver: rules that read the conversation and call the same tools that a vision-language model would.

It is no language model and does not pretend to be one: the graph hands it facts instead of a prompt and pixels.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from imagerag.agent.protocols import ProgramDriver, TurnFacts
from imagerag.prompt_grammar.inflection import singular
from imagerag.records import ImageRecord, ReferenceRecord
from imagerag.tool_registry import FIND_FACTS, GENERATE, INSPECT_IMAGE, PROPOSE_CAPTIONS, REGENERATE, SEARCH_REFERENCES


@dataclass(frozen=True)
class PolicyOptions:
    """What of the rules an evaluation changes, to see what it is worth.

    Attributes:
        references: of one concept in one drawing: more than one, so that the result is no copy of either.
        captions: written for each concept that is looked up.
        inspects: look closely at references that were found by likeness alone, and draw with those that show their
            concept; otherwise with whatever was found.
        by_title: take those first whose title names the concept; otherwise in the order of the search.
    """

    references: int = 2
    captions: int = 2
    inspects: bool = True
    by_title: bool = True


DEFAULT_OPTIONS = PolicyOptions()

CANDIDATES_PER_CONCEPT = 6
"""References searched per concept: enough for later redraws to choose others."""

LOOKED_AT = 3
"""References of one concept that are looked at closely, where none is called so; what comes behind is less alike."""

SHOWN_FROM = 0.8
"""Probability from which on a reference that was found by likeness alone counts as showing its concept. Of the nearest
pictures for 136 everyday paraphrases, 22 % of the right ones are above 0.5 and as many above 0.8; of the wrong ones 26
and 15 %."""

MOST_FACTS = 8
"""Concepts in one call of the tool that finds facts."""

DRAWINGS_WITHOUT_REFERENCES = 2
"""Drawings after which the rules stop where nothing that is missing can be looked up: another seed may serve once."""


@dataclass
class TurnView:
    """What the policy knows of the turn, read off the messages."""

    facts: TurnFacts
    options: PolicyOptions = DEFAULT_OPTIONS
    judged: list[ImageRecord] = field(default_factory=list)
    best: ImageRecord | None = None
    captions: list[dict[str, str]] = field(default_factory=list)
    """Proposed and not searched with yet."""
    found: dict[str, list[ReferenceRecord]] = field(default_factory=dict)
    """Looked up, by concept, in the order of the search."""
    asked: set[str] = field(default_factory=set)
    """Concepts that encyclopedias were asked about."""
    names: dict[str, str] = field(default_factory=dict)
    """What they call those, by concept."""
    inspected: dict[str, bool] = field(default_factory=dict)
    """References looked at closely: id -> whether they show their concept."""
    errors: int = 0
    failed: set[str] = field(default_factory=set)
    """Tools that failed in a way in which the same call would fail again."""
    drawing_refused: bool = False
    """Whether the generator's own safety check refused a drawing of this turn."""


class RulePolicy(ProgramDriver):
    """Draws, looks up what the critic misses, draws again with other references and a higher scale, stops.

    Args:
        options: other than the usual ones in evaluations alone.
    """

    def __init__(self, options: PolicyOptions = DEFAULT_OPTIONS) -> None:
        self.options = options

    def decide(self, facts: TurnFacts, messages: Sequence[BaseMessage]) -> AIMessage:
        """See ``ProgramDriver.decide``."""
        return next_call(read_turn(facts, messages, self.options))


def read_turn(facts: TurnFacts, messages: Sequence[BaseMessage], options: PolicyOptions = DEFAULT_OPTIONS) -> TurnView:
    """Read the turn off the facts and the messages: tool artifacts, the critic's reports."""
    last = max((k for k, m in enumerate(messages) if isinstance(m, HumanMessage) and m.name != "critic"), default=0)
    view = TurnView(facts, options)
    for message in messages[last:]:
        if isinstance(message, HumanMessage) and message.name == "critic":
            record: ImageRecord = message.additional_kwargs["image"]
            view.judged.append(record)
            if message.additional_kwargs["best"] == record["id"]:
                view.best = record
        elif isinstance(message, ToolMessage) and message.status == "error":
            view.errors += 1
            if message.additional_kwargs.get("failed"):
                view.failed.add(str(message.name))
            view.drawing_refused |= bool(message.additional_kwargs.get("drawing_refused"))
        elif isinstance(message, ToolMessage) and message.name == PROPOSE_CAPTIONS:
            view.captions = message.artifact["captions"]
        elif isinstance(message, ToolMessage) and message.name == FIND_FACTS:
            view.asked.update(message.artifact["concepts"])
            view.names.update(message.artifact["names"])
        elif isinstance(message, ToolMessage) and message.name == INSPECT_IMAGE:
            view.inspected[message.artifact["image_id"]] = all(
                concept["present"] and concept["score"] >= SHOWN_FROM for concept in message.artifact["concepts"]
            )
        elif isinstance(message, ToolMessage) and message.name == SEARCH_REFERENCES:
            for caption in view.captions:  # looked up even where nothing was found
                view.found.setdefault(caption["concept"], [])
            view.captions = []
            for reference in message.artifact["references"]:
                of_concept = view.found.setdefault(reference["concept"], [])
                if reference["id"] not in {known["id"] for known in of_concept}:
                    of_concept.append(reference)
    return view


def next_call(view: TurnView) -> AIMessage:
    """Return the next tool call, or a last word without one."""
    if view.drawing_refused:  # the rules have no other words, and the same ones would only be refused again
        return AIMessage("The generator's safety check refuses this; other words or another seed may pass.")
    if GENERATE in view.failed or (REGENERATE in view.failed and view.facts.subjects):
        # Without the person's own images it would be another picture than the one that is asked for.
        return AIMessage("The generator can't make another drawing; I stop here.")
    if view.errors >= 3:
        return AIMessage("The tools refuse what I ask for; I stop here.")
    looks_up = SEARCH_REFERENCES in view.facts.tools and not view.failed
    if view.captions and looks_up:
        return _call(SEARCH_REFERENCES, captions=view.captions, k=CANDIDATES_PER_CONCEPT)
    if not view.judged:
        return _first(view)
    last, best = view.judged[-1], view.best or view.judged[-1]
    verdict = best["verdict"]
    if verdict is None or verdict["satisfied"]:
        return AIMessage("Everything asked for is there.")
    content = {score["concept"] for score in verdict["concepts"] if score["kind"] == "content"}
    # What the person's own image stands for is drawn from that, whatever the critic would call it.
    own = {view.facts.references.get(subject) for subject in view.facts.subjects}
    missing = [concept for concept in verdict["missing"] if concept in content and concept not in own]
    if looks_up:
        unsought = [concept for concept in missing if concept not in view.found]
        if unsought:
            return _facts(view, unsought) or _call(
                PROPOSE_CAPTIONS, concepts=unsought, per_concept=view.options.captions
            )
        if doubtful := _doubtful(view, missing):
            return doubtful
        if served := [concept for concept in missing if _usable(view, concept)]:
            return _redraw(view, best, served)
        if missing and len(view.judged) >= DRAWINGS_WITHOUT_REFERENCES:
            named = " and ".join(repr(concept) for concept in missing)
            return AIMessage(f"The library has nothing for {named}; I stop here.")
    if PROPOSE_CAPTIONS in view.facts.tools and SEARCH_REFERENCES not in view.facts.tools:
        return _again(view, best, _emphasised(view, missing))
    if len(view.judged) <= 2 or last["id"] == best["id"]:
        return _again(view, best, view.facts.prompt)
    return AIMessage("Nothing I can look up or vary would make it better.")


def _again(view: TurnView, best: ImageRecord, prompt: str) -> AIMessage:
    """Draw under another seed: from words alone, but never without the person's own images."""
    if not (view.facts.subjects and REGENERATE in view.facts.tools - view.failed):
        return _call(GENERATE, prompt=prompt)
    kept = [reference for reference in best["references"] if reference not in view.facts.subjects]
    scale = best["reference_scale"] or view.facts.reference_scales[0]
    return _call(REGENERATE, prompt=prompt, reference_ids=kept, reference_scale=scale, image_id=best["id"])


def _facts(view: TurnView, concepts: Sequence[str]) -> AIMessage | None:
    """Ask encyclopedias about those of the concepts that are facts, once each, where they may be asked."""
    if FIND_FACTS not in view.facts.tools:
        return None
    from imagerag.prompt_grammar.facts import in_the_prompts_words, reads_as_fact

    prompt = view.facts.prompt
    unknown = [
        concept
        for concept in concepts
        if concept not in view.asked and reads_as_fact(in_the_prompts_words(concept, prompt))
    ]
    return _call(FIND_FACTS, concepts=unknown[:MOST_FACTS]) if unknown else None


def _first(view: TurnView) -> AIMessage:
    """Draw for the first time in this turn; look everything up before that where the mode says so."""
    if GENERATE not in view.facts.tools:
        concepts = content_of(view.facts.prompt)
        return _facts(view, concepts) or _call(PROPOSE_CAPTIONS, concepts=concepts, per_concept=view.options.captions)
    wanted = content_of(view.facts.prompt)
    references: list[str] = []
    scale = view.facts.reference_scales[0]
    if view.facts.base is not None:
        references = [r for r in view.facts.base["references"] if view.facts.references.get(r) in wanted]
        scale = view.facts.base["reference_scale"] or scale
    elif view.found:
        doubtful = _doubtful(view, list(view.found))
        if doubtful:
            return doubtful
        references = _picked(view, list(view.found), attempt=0)
    keeps = view.facts.base is not None and view.facts.keep_seed
    seed = {"seed": view.facts.base["seed"]} if view.facts.base is not None and keeps else {}
    if REGENERATE in view.facts.tools - view.failed and (references or view.facts.subjects):
        return _call(
            REGENERATE,
            prompt=view.facts.prompt,
            reference_ids=[r for r in references if r not in view.facts.subjects],
            reference_scale=scale,
            **seed,
        )
    return _call(GENERATE, prompt=view.facts.prompt, **seed)


def _redraw(view: TurnView, best: ImageRecord, missing: Sequence[str]) -> AIMessage:
    """Draw again: keep the references that served, and give each missing concept others than last time."""
    attempt = max(
        sum(any(view.facts.references.get(r) == concept for r in image["references"]) for image in view.judged)
        for concept in missing
    )
    chosen = _picked(view, missing, attempt)
    kept = [
        r for r in best["references"] if view.facts.references.get(r) not in missing and r not in view.facts.subjects
    ]
    room = max(view.facts.max_references - len(view.facts.subjects) - len(chosen), 0)
    return _call(
        REGENERATE,
        prompt=view.facts.prompt,
        reference_ids=[*kept[:room], *chosen],
        reference_scale=view.facts.reference_scales[min(attempt, len(view.facts.reference_scales) - 1)],
        image_id=best["id"],
        # What is right in the best image stays as it is under its own seed; only a redraw that failed changes it.
        **({"seed": best["seed"]} if attempt == 0 else {}),
    )


def _picked(view: TurnView, concepts: Sequence[str], attempt: int) -> list[str]:
    """Return ids of references for the concepts: the best first, and others once those were tried twice."""
    sought = [concept for concept in concepts if _usable(view, concept)]
    room = max(view.facts.max_references - len(view.facts.subjects), 1)
    # A mixture that the critic did not recognise is not tried again: from then on one reference, each time another.
    each = max(min(1 if attempt else view.options.references, room // max(len(sought), 1)), 1)
    chosen: list[str] = []
    for concept in sought:
        shown = _usable(view, concept)
        start = max(attempt - 1, 0)
        chosen += [shown[(start + k) % len(shown)] for k in range(min(each, len(shown)))]
    return list(dict.fromkeys(chosen))[:room]


def _usable(view: TurnView, concept: str) -> list[str]:
    """Return ids of the concept's references that are called so, or were looked at and show it; the best first.

    One that was found by likeness alone is never drawn with unseen: where the library lacks the thing, all are others.
    """
    return [
        reference["id"]
        for reference in _ranked(view, concept)
        if not view.options.inspects or view.inspected.get(reference["id"], _shows(view, concept, reference))
    ]


def _doubtful(view: TurnView, concepts: Sequence[str]) -> AIMessage | None:
    """Look closely at a reference that was found by likeness alone, before drawing with it."""
    if not view.options.inspects:
        return None
    for concept in concepts:
        if len(_usable(view, concept)) >= view.options.references:
            continue
        for reference in _ranked(view, concept)[:LOOKED_AT]:
            if reference["id"] not in view.inspected and not _shows(view, concept, reference):
                return _call(INSPECT_IMAGE, image_id=reference["id"], concepts=[concept])
    return None


def _ranked(view: TurnView, concept: str) -> list[ReferenceRecord]:
    found = view.found.get(concept, [])
    if not view.options.by_title:
        return found
    from imagerag.prompt_grammar.parser import parse_scene

    return ranked_references(found, parse_scene(view.facts.prompt).styles)


def ranked_references(references: Sequence[ReferenceRecord], styles: Sequence[str] = ()) -> list[ReferenceRecord]:
    """Return the references, those first whose title names the concept, each group in the order of the search.

    Similarity alone confuses look-alikes; what the library says an image shows is evidence as good as any, which
    the paper uses too when it re-ranks by BM25 over captions. Of those that name it as well as each other, the ones
    whose source names the style that is asked for come first: "noto style" is what Noto's pictures have.

    Args:
        references: in the order of the search.
        styles: that the prompt asks for.
    """
    wanted = {word for style in styles for word in _words(style)}

    def rank(reference: ReferenceRecord) -> tuple[float, int]:
        styled = wanted & set(_words(reference.get("source", "")))
        return -_named_by(reference["concept"], reference["title"]), -len(styled)

    return sorted(references, key=rank)


def _shows(view: TurnView, concept: str, reference: ReferenceRecord) -> bool:
    """Tell whether a reference is called as its concept is, or as an encyclopedia calls that."""
    names = {concept, view.names.get(concept, concept)}
    return any(_is_called(name, reference["title"]) for name in names)


def _is_called(concept: str, title: str) -> bool:
    """Tell whether a title has all words of the concept: a pig is no guinea pig."""
    return {singular(word) for word in _words(concept)} <= {singular(word) for word in _words(title)}


def _words(text: str) -> list[str]:
    """Return the words of a name, or of a file's: "my_owl-2" is an owl's."""
    return re.findall(r"[^\W_]+", text.lower())


def _named_by(concept: str, title: str) -> float:
    """Return the share of words in common (Jaccard)."""
    a, b = set(_words(concept)), set(_words(title))
    return len(a & b) / len(a | b) if a | b else 0.0


def content_of(prompt: str) -> list[str]:
    """Return the things that a prompt asks for."""
    from imagerag.prompt_grammar.parser import parse_scene

    return parse_scene(prompt).content_concepts() or [prompt]


def _emphasised(view: TurnView, missing: Sequence[str]) -> str:
    from imagerag.agent.rule_writer import RuleWriter

    return RuleWriter().rephrase(view.facts.prompt, missing)


def _call(name: str, **arguments: Any) -> AIMessage:
    call_id = f"call-{uuid4().hex[:12]}"
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": call_id, "type": "tool_call"}])
