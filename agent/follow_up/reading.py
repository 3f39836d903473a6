"""Reading a follow-up: talk, another picture of the thread, a change of it, or a new picture."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from imagerag.agent.follow_up import pictures
from imagerag.agent.follow_up.changes import change, clause
from imagerag.agent.follow_up.clauses import KEPT, without_asides
from imagerag.agent.follow_up.deciding import HOLDING, Ruled, decided, exchanges_untold, likeliest
from imagerag.agent.follow_up.earlier import named_in_correction, read_meant
from imagerag.agent.follow_up.edit import Edit, in_words, is_known, run_together
from imagerag.agent.follow_up.first_request import first_readings, likelier, names_one
from imagerag.agent.follow_up.heading import refuse_turning
from imagerag.agent.follow_up.likeliest import (
    LEFT_TO_RULES,
    SURE,
    SURE_BY_RULE,
    SURE_OF_A_CHANGE,
    SURE_OF_ANOTHER,
    Likeliest,
    brings_back,
    named_back,
    offered,
)
from imagerag.agent.follow_up.mentions import is_no_name, mentions_of
from imagerag.agent.follow_up.new_picture import (
    asked_for,
    is_of_ones_own,
    is_prompt,
    refined_by,
    stands_for_itself,
    without_taken_back,
)
from imagerag.agent.follow_up.opening_by_rule import FirstRequest, first_by_rule
from imagerag.agent.follow_up.phrases import (
    joined,
    phrases,
    starts_with,
    with_dozens_counted,
    without_courtesy,
    without_hesitation,
    words_of,
)
from imagerag.agent.follow_up.ranking import Reading, Scores, fitted_network, fitted_weights, is_strange
from imagerag.agent.follow_up.scene_edit import CannotChange, NotThere
from imagerag.agent.follow_up.sentences import with_article
from imagerag.agent.follow_up.spelling import notes_on, spelt
from imagerag.agent.follow_up.talk import answer, kind_of_talk, listed, not_understood
from imagerag.agent.follow_up.wording import plainly
from imagerag.agent.protocols import Brief, PastImage
from imagerag.assets.english_words import english_words
from imagerag.prompt_grammar.parser import parse_scene

_QUESTIONS = frozenset(
    "what why how who where when which is are does do did was were am has have whose".split()  # noqa: SIM905
)
_AGAIN: tuple[tuple[str, ...], ...] = (
    ("another", "try"),
    ("another", "one"),
    ("one", "more", "try"),
    ("try", "again"),
    ("do", "it", "again"),
    ("draw", "it", "again"),
    ("once", "more"),
    ("redo", "it"),
    ("again",),
)
_BEHIND_AGAIN = frozenset([",", "but", "with", "without", "in", "and", "on", "this", ":", "please"])
_PARTING = frozenset([",", ";", ".", ":", "-", "!", "?"])
"""Marks that part what a request asks for from what else it says."""
_NOTHING_ELSE = frozenset(
    "with a an but the in and another different new other pose seed look version way this time please angle".split()  # noqa: SIM905
)
"""Words behind "try again" that ask for nothing more than that."""
_AS_WELL = frozenset(["also", "too", "additionally"])
_REFUSALS = frozenset(["no", "nope", "nah", "naw"])
_YES = frozenset(
    ["yes", "yeah", "yep", "yup", "yes please", "yes , please", "exactly", "correct", "right", "that's right", "sure",
     "that is right", "that's it", "do that", "yes do that", "yes , do that", "yes exactly", "yes , exactly",
     "it does", "yes it does", "yes , it does", "that's what i mean", "yes that's what i mean", "y", "ja", "si", "oui"]
)  # fmt: skip
"""What accepts the change that a refusal offers."""
_POLITE = frozenset(["please", "pls", "plz"])
_OTHER_ONE = re.compile(
    r"(?:(?:no ,? ?)?(?:i mean|i meant|sorry)? ?,? ?not the [a-z ]+? , (?:but )?|no (?:, )?(?:i meant? )?)"
    r"the (?P<one>[a-z ]+?)(?: one)?"
)
"""A correction that names what was meant and not what for: "no, not the background, the bus"."""
MOST_NAMED_BARE = 3
"""Words of the longest name that "please" makes an order of: "red top hat please"."""
SHORTEST_NOUN = 3
"""Letters of the shortest last word of a name that is taken for what the thing is."""
START = 'A fresh start: nothing of the earlier pictures is kept. Say what to draw, or "undo".'


class FollowUps:
    """Reads requests in a thread that has pictures.

    Args:
        names: names that the prompt grammar keeps whole.
        known: returns names of things, by which words without an article are taken for a picture that is wanted.
        english: returns words that are spelt right, whatever they are near to.
        weights: by which requests that no rule reads are read as what they most likely mean; ``None``: by rules alone.
        network: adds to what the weights say; ``None``: nothing does.
        talk_only: whether nothing but talk is left out of a first request, as prompts for real models are written.
    """

    def __init__(
        self,
        names: Collection[str],
        known: Callable[[], Collection[str]] = frozenset,
        english: Callable[[], Collection[str]] = english_words,
        weights: Callable[[], NDArray[np.float32]] | None = fitted_weights,
        *,
        network: Callable[[], Scores] | None = fitted_network,
        talk_only: bool = False,
    ) -> None:
        self._names = names
        self._talk_only = talk_only
        self._load_known = known
        self._english = english
        self._load_weights, self._load_network = weights, network

    @cached_property
    def _known(self) -> frozenset[str]:
        named = frozenset(self._names) | frozenset(self._load_known())
        return named | _nouns_of(named) | phrases().places

    @cached_property
    def _likely(self) -> Likeliest:
        return Likeliest(self._load_weights, self._known, self._english, network=self._load_network)

    @cached_property
    def _typed(self) -> dict[str, str]:
        return run_together(self._known)

    def begin(self) -> Edit:
        """Return no picture, for ``first_readings``."""
        return Edit.of("", self._names, self._known)

    def brief(self, request: str, history: Sequence[PastImage]) -> Brief:
        """Return what a request asks for after the images in ``history``.

        Raises:
            UserError: it points back at an image, and the thread has none.
        """
        words, right = self._spelt(request, history)
        standing = standing_of(history)
        if standing is None:
            brief = self._read(request if words == right else joined(right), right, history, standing)
            return replace(brief, notes=(*brief.notes, *notes_on(words, right)))
        if (confirmed := self._confirmed(words, standing, history)) is not None:
            return confirmed
        right = self._completed(right, standing, history) or right
        brief = self._read(request, right, history, standing)
        if standing.declined and brief.base is None and not brief.answer:
            brief = self._named_again(brief, request, right, history, standing)
        if (missing := self._missing(brief, right, standing, history)) is not None:
            why = f"I don't know what {request!r} is said of: {standing.declined!r} was not understood, so that there "
            return _declined(request, standing, f"{why}is no {missing} in the picture; name what you mean")
        return brief if brief.answer else replace(brief, notes=(*brief.notes, *notes_on(words, right)))

    def _confirmed(self, words: Sequence[str], standing: PastImage, history: Sequence[PastImage]) -> Brief | None:
        """Return the change that was offered for a request that was not understood, where it is accepted: "yes"."""
        if not standing.declined or " ".join(words).strip(" .!,") not in _YES:
            return None
        then = self._spelt(standing.declined, history)[1]
        refused = self._read(standing.declined, then, history, standing)
        ways = self._likely.ways(self._edit(standing, history), then)
        change = offered(ways)
        if change is None or change.quoted not in refused.answer:
            return None
        return Brief(change.prompt, standing.id, notes=(f"{standing.declined!r} was {change.told}",))

    def _completed(self, words: Sequence[str], standing: PastImage, history: Sequence[PastImage]) -> list[str] | None:
        """Return a request that was declined with the thing that it names, and that is not there, as it was meant.

        "I mean the key" behind "make the lock gold" is "make the key gold". ``None`` where words correct nothing so.
        """
        named = named_in_correction(words)
        if not standing.declined or not named:
            return None
        edit = self._edit(standing, history)
        then = self._spelt(standing.declined, history)[1]
        missing = [one for one in mentions_of(edit, then) if one.kind == "thing" and not one.places]
        spans = [(one.start, one.end) for one in missing] or [
            (at, at + 2)
            for at, (article, word) in enumerate(pairwise(then))
            if article in phrases().definite and word.isalpha() and edit.find([article, word]) is None
        ]
        if len(spans) != 1 or edit.find(["the", *named]) is None:
            return None
        return [*then[: spans[0][0]], "the", *named, *then[spans[0][1] :]]

    def _named_again(
        self, new: Brief, request: str, words: Sequence[str], history: Sequence[PastImage], standing: PastImage
    ) -> Brief:
        """Return what a thing's name alone asks for behind a request that was declined: "a scarf", in other words.

        It is added where something was to be; else nobody can tell whether a picture of it is wanted instead.
        """
        things = parse_scene(new.prompt, self._names).objects
        if len(things) != 1 or asked_for(words, self._names, self._known) is not None:
            return new
        said = phrases().verbs
        adding = {word for kind in ("add", "put", "give", "wear") for verb in said[kind] for word in verb}
        named = with_article(without_courtesy(words))
        if adding & set(self._spelt(standing.declined, history)[1]):
            added = self._read(request, ["add", *named], history, standing)
            if not added.answer and added.base == standing.id:
                return replace(added, notes=(*added.notes, f"read as {joined(['add', *named])!r}"))
        name = joined(named)
        return _declined(request, standing, f'it may be "add {name}" or "now draw {name}"; say which')

    def _missing(
        self, brief: Brief, words: Sequence[str], standing: PastImage, history: Sequence[PastImage]
    ) -> str | None:
        """Return what a change is likely said of that the picture lacks, because the request for it was declined.

        "Make it red" behind "feed him a banana", which was not understood, is no wish for a red monkey. ``None`` where
        a request names what it is about.
        """
        if not standing.declined or brief.answer or brief.base != standing.id or brief.prompt == standing.prompt:
            return None
        edit = self._edit(standing, history)
        then = mentions_of(edit, self._spelt(standing.declined, history)[1])
        missing = [one for one in then if one.kind == "thing" and not one.places]
        now = {one.kind for one in mentions_of(edit, words)}
        things = {thing.phrase for thing in edit.scene.objects}
        comes = any(thing.phrase not in things for thing in parse_scene(brief.prompt, self._names).objects)
        if not missing or comes or now & {"thing", "background", "style", "time"}:
            return None
        return " ".join(missing[-1].words) if now else None

    def begun(self, request: str, history: Sequence[PastImage]) -> tuple[Edit, list[str]] | None:
        """Return the picture that stands, to be changed, and the words of a request, as ``readings`` takes them.

        ``None`` where no picture stands.
        """
        standing = standing_of(history)
        if standing is None:
            return None
        return self._edit(standing, history), self._spelt(request, history)[1]

    def _spelt(self, request: str, history: Sequence[PastImage]) -> tuple[list[str], list[str]]:
        """Return the words of a request as typed, and as they are spelt right."""
        standing = standing_of(history)
        things = [] if standing is None else parse_scene(standing.prompt, self._names).content_concepts()
        said = in_words(request, self._known, self._typed, frozenset(things))
        words = with_dozens_counted(without_hesitation(words_of(said)))
        if standing is None:  # of a name that is nearly one of the library's, people are asked whether it is meant
            if self._talk_only or names_one(request):
                return words, words
            return words, spelt(words, [], self._known, self._english(), names_too=False)
        return words, spelt(words, things, self._known, self._english())

    def _edit(self, base: PastImage, history: Sequence[PastImage]) -> Edit:
        before = next((image.prompt for image in history if image.id == base.before), None)
        past = [image.prompt for image in pictures.results(history)]
        return Edit.of(base.prompt, self._names, self._known, before, past)

    def _read(self, request: str, words: list[str], history: Sequence[PastImage], standing: PastImage | None) -> Brief:
        whole = " ".join(words).strip(" .!?,;:")
        if (once := _REPEATED.sub(r"\g<sign>", request.strip())) != request.strip() and not re.search(r"\w", once):
            whole = " ".join(words_of(in_words(once, self._known)))  # "😂😂" is applause as well
        forms: tuple[str, ...] = (whole, " ".join(without_courtesy(words)))
        talk = next((kind for text in forms if (kind := kind_of_talk(text))), None)
        if not history:
            return _talk(talk, None) if talk and talk != "applause" else self._first(request, words, forms[1])
        said, words = words, plainly(without_asides(words))
        words = _without_hesitation(words)
        forms = (*forms, " ".join(words), " ".join(without_courtesy(words)))
        if any(map(pictures.is_undo, forms)):
            return _stepped(history, standing, back=True)
        if standing is not None and (many := max(map(pictures.steps_back, forms))) > 1:
            image = pictures.back_by(many, history, standing)
            return _back_at(image) if image is not None else _stepped(history, standing, back=True)
        if any(map(pictures.is_redo, forms)) and standing is not None and standing.after:
            return _stepped(history, standing, back=False)
        if any(map(pictures.is_fresh_start, forms)):
            return Brief("", answer=START)
        if talk:
            return _talk(talk, standing)
        adds = bool(_AS_WELL & set(said))  # "could you also give me a needle"
        new = None if adds else asked_for(words, self._names, self._known)
        if new is not None and not self._rather_changes(said, history, standing):
            return self._or_likelier(Brief(new), request, words_of(new))
        try:
            pointed = pictures.pointed_at(without_courtesy(words), history, standing)
        except pictures.NoSuchPicture as error:
            why = f"{error}; it has {listed(history)}"
            return _declined(request, standing or history[-1], why, stands=standing is not None)
        if pointed is not None and not pointed.rest:
            return _back_at(pointed.image)
        if pointed is not None:
            brief = self._changed(request, pointed.rest, pointed.image, history)
            if brief.declined and _lacks(self._edit(pointed.image, history), pointed.rest):
                return _back_at(pointed.image)  # "the cat without the hat" is that picture as it is
            if brief.declined and standing is not None:  # the picture stays, whichever was named
                return self._changed(request, words, standing, history, said)
            return brief
        if standing is None:  # after a fresh start
            return self._first(request, words, forms[1])
        return self._changed(request, words, standing, history, said)

    def _rather_changes(self, words: Sequence[str], history: Sequence[PastImage], standing: PastImage | None) -> bool:
        """Tell whether a request for a picture surely changes the one that stands: "paint hat maroon"."""
        ways = [] if standing is None else self._likely.ways(self._edit(standing, history), words)
        return bool(ways) and bool(ways[0].prompt) and ways[0].probability >= SURE_OF_A_CHANGE

    def _changed(
        self,
        request: str,
        words: Sequence[str],
        base: PastImage,
        history: Sequence[PastImage],
        said: Sequence[str] = (),
    ) -> Brief:
        """Return a request as a change of that image, or as a picture or talk where it is none.

        Args:
            request: as typed.
            words: of it, in plain wording.
            base: the image that is to be changed.
            history: of the thread.
            said: the words as typed; where they are fewer or none, ``words`` are all there is.
        """
        said = said or words
        not_there = False
        try:
            ruled = self._by_rule(request, words, base, history, said)
        except NotThere as error:  # or is read wrongly
            ruled, not_there = _declined(request, base, str(error)), True
        except CannotChange as error:  # it is understood, and can't be
            return _declined(request, base, str(error))
        if ruled.candidates or not ruled.keep_seed:
            return ruled
        edit = self._edit(base, history)
        taken_for = self._taken_for(ruled, edit, said)
        if taken_for.kind == "new" and (is_prompt(edit, said) or is_of_ones_own(said)):
            return ruled  # "an owl in a tree", and "my badge on a castle" beside an uploaded picture
        ways = self._likely.ways(edit, said)
        if not ways:
            return ruled
        if ruled.declined and (restored := named_back(edit, said)) is not None:
            return Brief(restored.prompt, base.id, notes=(restored.told,))
        found = decided(ways, taken_for)
        best = likeliest(found, taken_for, edit, said)
        agrees = taken_for.is_way(best)
        if not_there or self._likely.points_elsewhere(edit, said):
            return self._sure(best, request, said, base, history) or ruled
        if agrees and (not best.prompt or best.probability >= SURE_BY_RULE):
            return ruled if not ruled.declined else self._offered(ruled, request, ways, base)
        if best.instead:
            return self._other_picture(best, request, said, base, history) or self._offered(ruled, request, ways, base)
        if best.in_part and taken_for.kind == "change" and not taken_for.odd and not agrees:
            return ruled  # a rule reads all of the words
        if best.prompt and not agrees and best.probability >= self._likely.enough(best, edit, said):
            return Brief(best.prompt, base.id, notes=(best.told,))
        if ruled.answer:
            return self._offered(ruled, request, ways, base) if ruled.declined else ruled
        if any(taken_for.is_way(one) and one.probability >= LEFT_TO_RULES for one in found):
            return ruled
        return self._offered(_declined(request, base), request, ways, base)

    def _sure(
        self, best: Reading, request: str, words: Sequence[str], base: PastImage, history: Sequence[PastImage]
    ) -> Brief | None:
        """Return what a request asks for that may speak of what isn't there, if that is likely all the same."""
        if best.instead == "back":
            return self._other_picture(best, request, words, base, history)
        if best.prompt and best.probability >= SURE and brings_back(best, words):
            return Brief(best.prompt, base.id, notes=(best.told,))
        if not best.prompt or best.probability < SURE_OF_A_CHANGE:
            return None
        if best.in_part and not _PARTING & set(words[:-1]):
            return None  # "make the dog smaller than the cat", of a picture without a dog, is nothing about the cat
        edit = self._edit(base, history)
        there = {item.thing.phrase for item in edit.items}
        come = {thing.phrase for thing in parse_scene(best.prompt, self._names).objects} - there
        if "back" in words and come - {thing.phrase for scene in edit.past for thing in scene.objects}:
            return None  # "the moon back", where there was none
        return Brief(best.prompt, base.id, notes=(best.told,))

    def _taken_for(self, brief: Brief, edit: Edit, words: Sequence[str]) -> Ruled:
        """Return what rules take a request for, of what they make of it."""
        if brief.answer:
            return Ruled("declined" if brief.declined else "back" if brief.step == -1 else "talk")
        if brief.base is None:
            return Ruled("new")
        there = {item.thing.phrase for item in edit.items}
        now = {thing.phrase for thing in parse_scene(brief.prompt, self._names).objects}
        odd = any(phrase not in self._known and is_no_name(phrase, self._known) for phrase in now - there)
        gone_before = edit.before is not None and {thing.phrase for thing in edit.before.objects} - there
        added_instead = "instead" in words and there < now and not gone_before
        odd = odd or exchanges_untold(there, now, words) or added_instead
        return Ruled("change", brief.prompt, odd, there == now and bool(HOLDING & set(words)))

    def _offered(self, declined: Brief, request: str, ways: Sequence[Reading], base: PastImage) -> Brief:
        """Return a refusal that names the change that is likeliest meant, if any is."""
        change = offered(ways)
        if change is None or declined.answer != _declined(request, base).answer:
            return declined
        return _declined(request, base, change.asked(request))

    def _by_rule(
        self, request: str, words: Sequence[str], base: PastImage, history: Sequence[PastImage], said: Sequence[str]
    ) -> Brief:
        """Return what rules make of a request; see ``_changed``."""
        bare = without_courtesy(words)
        text = " ".join(bare)
        if many := pictures.variations(text):
            return _varied(request, base, many)
        again = starts_with(bare, _AGAIN)
        behind = bare[again:]
        again = again if behind and behind[0] in _BEHIND_AGAIN else 0
        more = text == "one more" and any(thing.count > 1 for thing in parse_scene(base.prompt, self._names).objects)
        if (pictures.is_again(text) and not more) or (again and set(behind) <= _NOTHING_ELSE):
            return Brief(base.prompt, base.id, keep_seed=False)
        if again:  # "another try without the hat"
            words = behind[1:] if behind[0] in (",", "but", "and", ":", "please") else behind
        edit = self._edit(base, history)
        forms = (" ".join(form).strip(" .!,") for form in (words, said))
        meant = next((found for text in forms if (found := _OTHER_ONE.fullmatch(text))), None)
        edit.reader = clause
        if read_meant(edit, words) or read_meant(edit, said):
            return Brief(edit.described(), base.id, keep_seed=not again)
        if meant and (there := edit.find(["the", *meant["one"].split()])) is not None and not there.pronoun:
            return _declined(request, base, f'you mean the {meant["one"]}; say what is to become of it, or "undo"')
        refuse_turning(edit, bare)
        unread = change(edit, list(words))
        if unread and said[0] in _REFUSALS and edit.knows(bare) and bare[0] not in phrases().definite:
            unread = change(edit, [*with_article(bare), "instead"])  # "nah, teddy bear"
        if unread and (old := refined_by(edit, bare)):  # "sports car", of a picture with a car
            unread = change(edit, ["replace", "the", *old, "with", "a", *bare])
        if unread and _asks_for_a_thing(edit, bare, said):  # "crown please"
            unread = change(edit, ["add", *bare])
        if not unread:
            told = tuple(f"{part!r} was taken as a remark, nothing to draw" for part in edit.passed_over)
            result = edit.described()
            standing = self._edit(base, history)
            come = [item.thing.phrase for item in edit.items if item not in standing.items]
            if strange := next((one for one in come if is_strange(one, self._known)), ""):
                return _declined(request, base, f"there is nothing called {strange!r}")
            if not again and result == parse_scene(base.prompt, self._names).describe():
                told = (*told, f"{base.prompt!r} says that already, so it is drawn anew with another seed")
                return Brief(result, base.id, keep_seed=False, notes=told)
            return Brief(result, base.id, keep_seed=not again, notes=told)
        joins = said[:1] in (["and"], ["also"], ["plus"]) and "the" in said[1:]
        stands = not joins and stands_for_itself(words, Edit.of(base.prompt, self._names, self._known))
        if stands:
            wanted = without_courtesy(words, KEPT)
            return Brief(request if wanted == list(said) else joined(wanted))
        whole = " ".join(said).strip(" .!?,;:")
        talk = kind_of_talk(whole, exactly=False) or kind_of_talk(text, exactly=False)
        if talk is None and said and said[0] in _QUESTIONS and said[-1] == "?":
            talk = "what"
        if talk:
            return _talk(talk, base)
        part = unread if len(unread.split()) < len(words) else request
        return _declined(part, base)

    def _other_picture(
        self, best: Reading, request: str, words: Sequence[str], base: PastImage, history: Sequence[PastImage]
    ) -> Brief | None:
        """Return the picture before, or a new one, where a request surely asks for that in words that no rule has."""
        if best.probability < SURE_OF_ANOTHER:
            return None
        if best.instead == "back":
            image = pictures.earlier_meant(words, history, base) if base == standing_of(history) else None
            if image is None or image.id == base.before:
                return _stepped(history, base, back=True) if image is not None else None
            return _back_at(image)
        wanted = self._named_new(without_taken_back(words), base, history)
        if self._load_network is not None and (ways := first_readings(self.begin(), words, self._load_network())):
            wanted = ways[0].prompt if ways[0].probability >= SURE_OF_ANOTHER else wanted
        return Brief(wanted, notes=(f"read as 'now draw {wanted}'",)) if wanted else None

    def _named_new(self, words: Sequence[str], base: PastImage, history: Sequence[PastImage]) -> str:
        """Return what words name of things that the picture lacks, from the first to the last; empty for no things."""
        edit = self._edit(base, history)
        named = [one for one in mentions_of(edit, words) if one.kind == "thing" and not one.places]
        known = [one for one in named if is_known(" ".join(one.words), self._known)]
        for first in known:
            wanted = joined(words[first.start : known[-1].end])
            if all(is_known(thing.phrase, self._known) for thing in parse_scene(wanted, self._names).objects):
                return wanted
        return ""

    def _first(self, request: str, words: Sequence[str], text: str) -> Brief:
        """Return the brief of a request in a thread without a picture.

        Raises:
            UserError: it changes or names an earlier one.
        """
        said = FirstRequest(request, words, text)
        ruled = first_by_rule(said, self._names, self._known, self._typed, talk_only=self._talk_only)
        return self._or_likelier(ruled, request, words)

    def _or_likelier(self, ruled: Brief, request: str, words: Sequence[str]) -> Brief:
        """Return what rules make of a request for a new picture, or what else it asks for more likely."""
        if self._talk_only or self._load_network is None or self._load_weights is None:
            return ruled
        if not self._likely.is_english(words) or names_one(request):
            return ruled
        if words and is_prompt(self.begin(), words):
            return ruled  # nothing but things and how they stand: there is no talk to leave out
        best = likelier(self.begin(), words, ruled.prompt, self._known, self._load_network())
        return ruled if best is None else Brief(best.prompt, notes=(best.told,))


_REPEATED = re.compile(r"(?P<sign>[\u2190-\U0010ffff])\ufe0f?(?:\s*(?P=sign)\ufe0f?)+")


def _without_hesitation(words: Sequence[str]) -> list[str]:
    """Leave out what hesitation puts before a step back: "no wait go back"."""
    left = list(words)
    while len(left) > 1 and left[0] in ("no", "wait", "oh", "oops", "hmm", "hm", "ok", "actually", "sorry"):
        left = left[1:]
    text = " ".join(left)
    return left if pictures.is_undo(text) or pictures.is_redo(text) else list(words)


def _nouns_of(names: Collection[str]) -> frozenset[str]:
    """Return what the things of longer names are: the boat of "motor boat"."""
    said = phrases()
    parts = [name.split() for name in names]
    joined_by = {relation[-1] for relation, _ in said.relations} | {"with", "of", "and", "without", "for"}
    plain = [words for words in parts if len(words) == 2 and not joined_by & set(words)]
    nouns = frozenset(words[-1] for words in plain if len(words[-1]) >= SHORTEST_NOUN)
    return nouns - (said.no_things | said.abstract)


def _asks_for_a_thing(edit: Edit, words: Sequence[str], said: Sequence[str]) -> bool:
    """Tell whether a request is the bare name of a thing, and says "please": an order, and no picture by itself."""
    named = 0 < len(words) <= MOST_NAMED_BARE and not {"without", "no", "not"} & set(words)
    return bool(_POLITE & set(said)) and named and edit.knows(list(words))


def standing_of(history: Sequence[PastImage]) -> PastImage | None:
    """Return the image that the person sees: the one that is marked so, or else the last that a turn returned."""
    if any(image.standing is not None for image in history):
        return next((image for image in history if image.standing), None)
    shown = pictures.results(history)
    return shown[-1] if shown else (history[-1] if history else None)


def _talk(kind: str, image: PastImage | None) -> Brief:
    if image is None:
        return Brief("", answer=answer(kind, None))
    return Brief(image.prompt, image.id, answer=answer(kind, image))


def _declined(part: str, image: PastImage, why: str = "", *, stands: bool = True) -> Brief:
    told = not_understood(part, image, why)
    return Brief(image.prompt, image.id if stands else None, answer=told, declined=True)


def _back_at(image: PastImage) -> Brief:
    return Brief(image.prompt, image.id, answer=f"Back at {image.id}, {image.prompt!r}. Changes go on from it.")


def _lacks(edit: Edit, words: Sequence[str]) -> bool:
    """Tell whether words say of a picture that it is without something, and it is."""
    return words[0] == "without" and len(words) > 1 and edit.find(list(words[1:])) is None


def _varied(request: str, base: PastImage, many: int) -> Brief:
    if not 1 <= many <= pictures.MOST_CANDIDATES:
        return _declined(
            request, base, f"{many} variations can't be drawn in one turn, only 1..{pictures.MOST_CANDIDATES}"
        )
    return Brief(base.prompt, base.id, keep_seed=False, candidates=many)


def _stepped(history: Sequence[PastImage], standing: PastImage | None, *, back: bool) -> Brief:
    """Return a step in the thread's own history of results, back or forward."""
    if standing is None:  # after a fresh start
        last = pictures.results(history)[-1]
        return Brief(last.prompt, last.id, step=-1, answer=f"Back at {last.id}, {last.prompt!r}.")
    target = standing.before if back else standing.after
    image = next((one for one in history if one.id == target), None)
    if image is None:
        told = f"There is nothing to undo: {standing.id} is the first picture, and stays as it is."
        return Brief(standing.prompt, standing.id, answer=told)
    what = "Undone: back at" if back else "Done again:"
    return Brief(image.prompt, image.id, step=-1 if back else 1, answer=f"{what} {image.id}, {image.prompt!r}.")
