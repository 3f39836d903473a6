"""A first request in which somebody wishes for a picture: what is wanted, what is a remark, and what is a look."""

import re
from collections.abc import Sequence

from imagerag.agent.follow_up.opening_items import Item
from imagerag.agent.follow_up.opening_parts import Parts, speaks_of_looks
from imagerag.agent.follow_up.opening_plain import is_plain
from imagerag.agent.follow_up.opening_scene import OpeningScene, Wanted
from imagerag.agent.follow_up.opening_wishes import Wish, wish_of
from imagerag.agent.follow_up.opening_wording import (
    ONE,
    REASONS,
    SCENE_OF,
    is_remark,
    opening_tables,
    split_at,
    without_ends,
    without_leads,
)
from imagerag.agent.follow_up.phrases import joined
from imagerag.prompt_grammar.inflection import singular

_GREETING = re.compile(
    r"(?:good (?:morning|afternoon|evening|day|night)|hello|hi|hiya|heya|yo|hey|greetings|dear|thanks|ahoy|"
    r"howdy|welcome|sorry|excuse|happy|merry|congratulations|surprise|guess what|hooray|yay|wow|ok|okay|well|oh)\b"
)
_BEHIND_ONE = frozenset(["with", "in", "on", "wearing", "holding", "riding", "under", "next", "beside", "behind"])
_UNTOLD = re.compile(
    r"(?:like )?(?:this|that|these|those|it|them|one|something|anything|like)\b(?! [a-z]+ (?:of|with))"
)


class Wished(Parts):
    """Reads sentences of which one wishes for something."""

    def wished(self, sentences: Sequence[Sequence[str]]) -> bool:
        """Read the sentences of which one wishes for something; tell whether one does."""
        wishes = [wish_of(sentence, self._vocabulary, self._talk_only) for sentence in sentences]
        at = next(
            (
                k
                for k, wish in enumerate(wishes)
                if wish and " ".join(without_ends(wish.wanted, purpose=True)) not in ONE
            ),
            None,
        )
        if at is None:
            at = next((k for k, wish in enumerate(wishes) if wish is not None), None)
            return at is not None and not self._talk_only and self._meant(sentences, wishes, at)
        wish = wishes[at]
        assert wish is not None
        if any(self._describes(sentence, wish) for sentence in [*sentences[:at], wish.before] if sentence):
            return False
        if not self._take_wanted(wish, [*sentences[:at], wish.before]):
            return False
        self.remarks += [joined(sentence) for sentence in sentences[:at]]
        if wish.before:
            self.remarks.append(joined(wish.before))
        for sentence in sentences[at + 1 :]:
            self._take_further(sentence)
        return True

    def _describes(self, sentence: Sequence[str], wish: Wish) -> bool:
        """Tell whether what stands before a wish may be a part of the picture: "a bay. Show the waves"."""
        said = set(sentence)
        if said & opening_tables().talk or sentence[0] in REASONS or _GREETING.match(" ".join(sentence)):
            return False
        if self._talk_only:
            return True
        definite = wish.wanted[0] in ("the", "it", "its", "his", "her", "their", "them")
        return definite or not (self._is_noise(sentence) or not self._names_thing(sentence) or wish.at)

    def _take_wanted(self, wish: Wish, earlier: Sequence[Sequence[str]]) -> bool:
        wanted = self._named(self._trimmed(wish.wanted, purpose=True), earlier)
        if not self._talk_only and wanted and _UNTOLD.match(" ".join(wanted)):
            return False
        if not wanted:
            return False
        text = joined(wanted)
        plain = is_plain(text, wanted, self._vocabulary) and not (set(wanted) & {"our", "we", "i"})
        if self._talk_only or plain or speaks_of_looks(text, self._vocabulary):
            self.raw = joined(wanted)
            self._is_kept = not plain or not self._read_all(wanted, guesses=True)
            return True
        if self._read_all(wanted, guesses=True):
            return True
        scene = self.scene.copy()
        item = Item(scene, wanted, self._vocabulary, guesses=True)
        if item.read() and not item.done and (rest := wanted[item.at :])[0] == "," and is_remark(rest[1:] or rest):
            self.scene.take(scene)
            self.remarks.append(joined(rest))
            return True
        self.raw = joined(wanted)
        return True

    def _named(self, wanted: list[str], earlier: Sequence[Sequence[str]]) -> list[str]:
        """Return "a camel with a cactus" of "one with a cactus", said behind a sentence on camels."""
        if self._talk_only or not wanted or wanted[0] != "one" or (wanted[1:] and wanted[1] not in _BEHIND_ONE):
            return wanted
        name = self._last_named(earlier)
        return ["a", *name.split(), *wanted[1:]] if name else wanted

    def _last_named(self, sentences: Sequence[Sequence[str]]) -> str:
        """Return the name of the library thing that sentences name last; a plural before a single one."""
        names = [
            (singular(sentence[end - 1]) != sentence[end - 1], number, end, length, self._vocabulary.name(words))
            for number, sentence in enumerate(sentences)
            for end in range(1, len(sentence) + 1)
            for length in (1, 2)
            if self._vocabulary.name(words := sentence[max(0, end - length) : end]) in self._vocabulary.names
        ]
        return max(names)[-1] if names else ""

    def _take_further(self, sentence: Sequence[str]) -> None:
        """Read what is said behind a wish: looks of what is wanted, something to leave out, or a remark."""
        gone = re.fullmatch(
            r"(?:but )?(?:without|no|not|minus|leave out) (?:the |a |an |any )?(?P<name>[a-z -]+?)(?: , .*)?",
            " ".join(sentence),
        )
        if gone and not self._talk_only and (at := self.scene.find(gone["name"])) is not None:
            self.scene.drop(at)
            self.raw = ""
            return
        before = len(self.scene.things)
        scene = self.scene.copy()
        if self._talk_only or (self.raw and self._is_kept):
            self._further.append(list(sentence))
            return
        if self._look(scene, sentence):
            self.scene.take(scene)
            self.raw = ""
            return
        scene = self.scene.copy()
        parts = list(split_at(sentence, {","}))
        if all(self._look(scene, part) for part in parts) and len(scene.things) >= before:
            self.scene.take(scene)
            self.raw = ""
            return
        self._further.append(list(sentence))

    def _look(self, scene: OpeningScene, part: Sequence[str]) -> bool:
        item = Item(scene, without_leads(part), self._vocabulary)
        begins = scene.copy()
        done = item.read() and item.done
        return done and (not item.new or scene.relations != begins.relations)

    def _meant(self, sentences: Sequence[Sequence[str]], wishes: Sequence[Wish | None], at: int) -> bool:
        """Read a wish for "it", or for nothing that is named: what was spoken of before is wanted."""
        wish = wishes[at]
        assert wish is not None
        earlier = [*reversed(sentences[:at])] if not wish.before else [wish.before, *reversed(sentences[:at])]
        one = "one" in wish.wanted or "one" in sentences[at]
        if one and (name := self._last_named(earlier[::-1])):
            self.scene.add(Wanted(name))
            self.remarks.append(" . ".join(joined(sentence) for sentence in sentences))
            return True
        for sentence in earlier:
            if self._spoken_of(sentence):
                told = " . ".join(joined(one) for one in sentences)
                self.remarks.append(told)
                for further in sentences[at + 1 :]:
                    self._take_further(further)
                return True
        return False

    def _spoken_of(self, sentence: Sequence[str]) -> bool:
        """Take the things that a sentence speaks of, where it is no more than a remark, or a story."""
        sentence = (
            SCENE_OF.sub("", " ".join(sentence), count=1).split() if SCENE_OF.match(" ".join(sentence)) else sentence
        )
        return self._read_all(sentence, guesses=False) or self._spans(sentence)
