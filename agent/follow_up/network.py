"""A small network that weighs proposals by a whole request and the picture that it is said of.

The weights of ``likelihood`` count what stands around the mentions of a request, and know a word only where they have
seen it. The network reads the request and the things of the picture with MiniLM, the text tower of the embedded CLIP,
whose upper layers are fitted for this, and adds to their score. A change is scored by its kind and by the states of
what it is made of, a proposal by the sum over its changes and over the mentions that it leaves unused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from imagerag.agent.follow_up.likelihood import Request
from imagerag.agent.follow_up.mentions import MentionKind
from imagerag.agent.follow_up.proposals import Change, ChangeKind, Proposal, Referent
from imagerag.agent.follow_up.scene_edit import Item
from imagerag.assets import asset
from imagerag.embedders.clip import text_tower_folder
from imagerag.embedders.embedded import TextTower
from imagerag.prompt_grammar.vocabulary import RELATION_WORDS

WEIGHTS = "follow_up_network.safetensors"
"""Written by ``training.train_follow_up_network``."""
TUNED_LAYERS = 3
"""Upper layers of the text tower that are fitted; those below are as they come."""
WIDTH = 192
"""Of the states by which a change is scored; tried: 192 alone."""
_CHANGES: tuple[ChangeKind, ...] = get_args(ChangeKind)
_MENTIONS: tuple[MentionKind, ...] = get_args(MentionKind)
_THERE = len(_MENTIONS) + 1
"""Mark of a thing's words that the picture has; other mentions have the place of their kind, from 1."""
_ITEM = _THERE + 1
"""Mark of a thing of the picture; 1 more where the request before changed it, 2 more where it has added it."""
_MARKS = _ITEM + 4
_MOST_CHANGES = 3
"""Number of a proposal's changes from which on more of them make no difference to its length."""

_SAID: Mapping[str, str] = {str(kind): words for kind, words in RELATION_WORDS.items()}
"""How one thing is joined to those before it, where that isn't its own name."""
Encode = Callable[[str], Sequence[int]]
"""Returns the tokens of words, without any at the ends."""


class Text(NamedTuple):
    """A request and the things of its picture as the text tower reads them.

    Attributes:
        tokens, marks, kinds: of each of n tokens, its id, what it is a part of, and 0 in the request or 1 behind it.
        mentions, items: first and last token, exclusive, of the request's mentions and the picture's things.
    """

    tokens: list[int]
    marks: list[int]
    kinds: list[int]
    mentions: list[tuple[int, int]]
    items: list[tuple[int, int]]


class Case(NamedTuple):
    """A request with what it can mean, in numbers.

    Attributes:
        text: of the request.
        changes: (c, 8): a change's kind, then the places of its target's thing and mention, of the mentions of what
            comes, of its look and of its relation, and of its other thing and mention; -1 where it has none.
        made_of: (2, m): places of proposals, and of changes that they have.
        unused: (2, k): places of proposals, and of mentions that they leave unused.
        lengths: of each proposal, how many changes it has, at most ``_MOST_CHANGES``.
    """

    text: Text
    changes: NDArray[np.int64]
    made_of: NDArray[np.int64]
    unused: NDArray[np.int64]
    lengths: list[int]


def case_of(request: Request, proposals: Sequence[Proposal], encode: Encode) -> Case:
    """Return a request and its proposals in numbers."""
    changes = list(dict.fromkeys(change for proposal in proposals for change in proposal))
    place = {change: at for at, change in enumerate(changes)}
    made_of = [(at, place[change]) for at, proposal in enumerate(proposals) for change in proposal]
    used = [frozenset(one for change in proposal for one in change.used) for proposal in proposals]
    unused = [(at, one) for at, taken in enumerate(used) for one in range(len(request.mentions)) if one not in taken]
    lengths = [min(len(proposal), _MOST_CHANGES) for proposal in proposals]
    rows = np.array([_row(change) for change in changes], dtype=np.int64).reshape(-1, 8)
    return Case(_text_of(request, encode), rows, _pairs(made_of), _pairs(unused), lengths)


def _pairs(pairs: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    return np.array(pairs, dtype=np.int64).reshape(-1, 2).T


def _row(change: Change) -> tuple[int, ...]:
    def thing(who: Referent | None) -> tuple[int, int]:
        return (-1, -1) if who is None else (who.place, -1 if who.mention is None else who.mention)

    mentions = (-1 if one is None else one for one in (change.new, change.look, change.relation))
    return (_CHANGES.index(change.kind), *thing(change.target), *mentions, *thing(change.other))


def _text_of(request: Request, encode: Encode) -> Text:
    """Return the words of a request and, behind them, the things of its picture."""
    (begin,), (end,), (comma,) = encode("[CLS]"), encode("[SEP]"), encode(",")
    marks_of_words = [0] * len(request.words)
    for mention in request.mentions:
        mark = _THERE if mention.kind == "thing" and mention.places else 1 + _MENTIONS.index(mention.kind)
        marks_of_words[mention.start : mention.end] = [mark] * (mention.end - mention.start)
    tokens, marks, spans = [begin], [0], list[tuple[int, int]]()
    for word, mark in zip(request.words, marks_of_words, strict=True):
        pieces = list(encode(word)) or list(encode("[UNK]"))
        spans.append((len(tokens), len(tokens) + len(pieces)))
        tokens += pieces
        marks += [mark] * len(pieces)
    tokens.append(end)
    marks.append(0)
    first, items = len(tokens), list[tuple[int, int]]()
    edit = request.edit
    latest = edit.place_of(edit.latest) if edit.latest else None
    for at, item in enumerate(edit.items):
        joined = item.joint not in ("and", "in") and at > 0
        joint = list(encode(_SAID.get(item.joint, item.joint))) if joined else []
        tokens += joint
        marks += [0] * len(joint)
        pieces = list(encode(_told(item)))
        items.append((len(tokens), len(tokens) + len(pieces)))
        tokens += [*pieces, comma if at + 1 < len(edit.items) else end]
        mark = _ITEM + (latest == at) + 2 * (edit.newest == item.thing.phrase)
        marks += [*[mark] * len(pieces), 0]
    kinds = [0] * first + [1] * (len(tokens) - first)
    mentions = [(spans[one.start][0], spans[one.end - 1][1]) for one in request.mentions]
    return Text(tokens, marks, kinds, mentions, items)


def _told(item: Item) -> str:
    thing = item.thing
    count = str(thing.count) if thing.count > 1 else ""
    size = "" if thing.size == "normal" else thing.size
    return " ".join(part for part in (count, size, thing.colour or "", thing.phrase) if part)


class Network(nn.Module):
    """Scores proposals; on a log scale, to be added to those of the fitted weights.

    Args:
        tower: the text tower, whose layers below the upper ``TUNED_LAYERS`` stay as they are.
    """

    def __init__(self, tower: TextTower) -> None:
        super().__init__()
        width = tower.words.shape[1]
        self.tower = tower
        self.marks = nn.Parameter(torch.zeros(_MARKS, width))
        self.kinds = nn.Parameter(torch.empty(len(_CHANGES), WIDTH))
        self.whole = nn.Linear(width, WIDTH)
        self.parts = nn.ModuleList(nn.Linear(width, WIDTH, bias=False) for _ in range(7))
        self.absent = nn.Parameter(torch.zeros(7, WIDTH))
        self.inner = nn.Linear(WIDTH, WIDTH)
        self.change = nn.Linear(WIDTH, 1)
        self.unused = nn.Sequential(nn.Linear(2 * width, 64), nn.GELU(), nn.Linear(64, 1))
        self.length = nn.Linear(width, _MOST_CHANGES + 1)
        self.weights = nn.Parameter(torch.tensor(1.0))
        """Factor of the fitted weights' scores."""
        self.drop = nn.Dropout(0.1)

    def forward(self, cases: Sequence[Case], scores: Sequence[NDArray[np.float64]]) -> list[Tensor]:
        """Return the scores of each case's proposals.

        Args:
            cases: any number above 0.
            scores: of the same proposals by the fitted weights.
        """
        states = self._states(cases)
        length = states.shape[1]
        flat, whole = states.flatten(0, 1), states[:, 0]
        mentions = _means(flat, [(at * length, span) for at, case in enumerate(cases) for span in case.text.mentions])
        items = _means(flat, [(at * length, span) for at, case in enumerate(cases) for span in case.text.items])
        rows, made_of, unused = _joined(cases)
        of_row = _owners([len(case.changes) for case in cases])
        of_mention = _owners([len(case.text.mentions) for case in cases])
        many = [len(case.lengths) for case in cases]
        found = self.length(whole)[_owners(many), torch.tensor([one for case in cases for one in case.lengths])]
        x = self.kinds[rows[:, 0]] + self.whole(whole)[of_row]
        for part, source in enumerate((items, mentions, mentions, mentions, mentions, items, mentions)):
            known = torch.cat([self.parts[part](self.drop(source)), self.absent[part : part + 1]])
            x = x + known[rows[:, part + 1]]  # -1 is the last: that there is none
        x = functional.gelu(self.inner(self.drop(functional.gelu(x))))
        changes = self.change(self.drop(x)).squeeze(-1)
        found = found.index_add(0, made_of[0], changes[made_of[1]])
        left = self.unused(torch.cat([mentions, whole[of_mention]], 1)).squeeze(-1)
        found = found.index_add(0, unused[0], left[unused[1]])
        found = found + self.weights * torch.from_numpy(np.concatenate(scores)).float()
        return list(torch.split(found, many))

    def _states(self, cases: Sequence[Case]) -> Tensor:
        """Return the states of all tokens, shape (cases, longest, width)."""
        longest = max(len(case.text.tokens) for case in cases)
        tokens, marks, kinds = (
            torch.tensor([[*getattr(case.text, name), *[0] * (longest - len(case.text.tokens))] for case in cases])
            for name in ("tokens", "marks", "kinds")
        )
        kept = torch.tensor([[at < len(case.text.tokens) for at in range(longest)] for case in cases])
        return self.tower.states(tokens, kept, kinds, self.marks[marks])


def _means(flat: Tensor, spans: Sequence[tuple[int, tuple[int, int]]]) -> Tensor:
    """Return the mean of the states of each span, which begins at its case's first token."""
    places = [first + at for first, (start, end) in spans for at in range(start, end)]
    owners = _owners([end - start for _, (start, end) in spans])
    many = torch.tensor([float(end - start) for _, (start, end) in spans]).reshape(-1, 1)
    total = flat.new_zeros(len(spans), flat.shape[1])
    return total.index_add(0, owners, flat[torch.tensor(places, dtype=torch.long)]) / many


def _owners(lengths: Sequence[int]) -> Tensor:
    return torch.from_numpy(np.repeat(np.arange(len(lengths)), lengths))


def _joined(cases: Sequence[Case]) -> tuple[Tensor, Tensor, Tensor]:
    """Return the changes of all cases, what proposals are made of and leave unused, with places among all of them."""
    rows, made_of, unused = list[Any](), list[Any](), list[Any]()
    items = mentions = changes = proposals = 0
    for case in cases:
        first = np.array([0, items, mentions, mentions, mentions, mentions, items, mentions])
        rows.append(np.where(case.changes < 0, -1, case.changes + first))
        made_of.append(case.made_of + np.array([[proposals], [changes]]))
        unused.append(case.unused + np.array([[proposals], [mentions]]))
        items, mentions = items + len(case.text.items), mentions + len(case.text.mentions)
        changes, proposals = changes + len(case.changes), proposals + len(case.lengths)
    return (
        torch.from_numpy(np.concatenate(rows)),
        torch.from_numpy(np.concatenate(made_of, axis=1)),
        torch.from_numpy(np.concatenate(unused, axis=1)),
    )


def fresh_network() -> Network:
    """Return a network as its fitting begins: the text tower as it comes, and a score of 0 for everything.

    Raises:
        UserError: the text tower's weights are missing.
    """
    network = Network(TextTower.load(text_tower_folder()))
    nn.init.normal_(network.kinds)
    for name, parameter in network.named_parameters():
        if name.startswith(("change.", "length.", "unused.2.")):
            nn.init.zeros_(parameter)
    return network


def fitted_parts(network: Network) -> dict[str, Tensor]:
    """Return the parameters that are fitted, by name."""
    below = len(network.tower.layers) - TUNED_LAYERS
    upper = tuple(f"tower.layers.{number}." for number in range(below, len(network.tower.layers)))
    return {
        name: parameter
        for name, parameter in network.named_parameters()
        if not name.startswith("tower.") or name.startswith(upper)
    }


class Scorer:
    """The fitted network, loaded with the first request."""

    def __init__(self, network: Network, encode: Encode) -> None:
        self._network, self._encode = network.eval(), encode

    def __call__(
        self, request: Request, proposals: Sequence[Proposal], scores: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the scores of proposals, shape (proposals,).

        Args:
            request: that they are of.
            proposals: at least one.
            scores: by the fitted weights.
        """
        with torch.inference_mode():
            (found,) = self._network([case_of(request, proposals, self._encode)], [scores])
        rows: NDArray[np.float64] = found.double().numpy()
        return rows


def encoder() -> Encode:
    """Return the text tower's tokens of words; it remembers those that it was asked for."""
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(str(asset("clip") / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()

    @lru_cache(maxsize=1 << 14)
    def encode(words: str) -> tuple[int, ...]:
        known = tokenizer.token_to_id(words)
        return (known,) if known is not None else tuple(tokenizer.encode(words, add_special_tokens=False).ids)

    return encode


def load_fitted() -> Scorer:
    """Return the network with the weights of this installation."""
    from safetensors.torch import load_file

    network = fresh_network()
    parts = fitted_parts(network)
    for name, tensor in load_file(asset(WEIGHTS)).items():
        parts.pop(name).data = tensor.float()
    assert not parts, parts.keys()
    network.requires_grad_(False)
    return Scorer(network, encoder())
