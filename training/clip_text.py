"""What the image tower is asked to meet: frozen text embeddings of names, keywords, templates and style words."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.minilm import embed_sentences
from training.pictures import Pictures

TEMPLATES = (
    "a {}",
    "a drawing of a {}",
    "an icon of a {}",
    "a picture of a {}",
    "a cartoon {}",
    "a photo of a {}",
    "a {} on a plain background",
    "{}, simple illustration",
    "a close-up of a {}",
    "part of a {}",
)
# style words -> the sets they are true of; several sets may share one, so that "flat" means flat wherever it was drawn
STYLES = {
    "a flat icon": ("fluent-flat", "twemoji", "fxemoji"),
    "flat colours without shading": ("fluent-flat", "twemoji", "fxemoji"),
    "flat design illustration": ("fluent-flat", "twemoji", "fxemoji"),
    "a 3d render": ("fluent",),
    "a glossy 3d icon": ("fluent",),
    "3d style with soft lighting": ("fluent",),
    "a softly shaded cartoon": ("noto",),
    "noto emoji style": ("noto",),
    "google emoji": ("noto",),
    "fluent emoji style": ("fluent", "fluent-flat"),
    "microsoft fluent flat emoji": ("fluent-flat",),
    "twemoji style": ("twemoji",),
    "twitter emoji": ("twemoji",),
    "fxemoji style": ("fxemoji",),
    "firefox emoji": ("fxemoji",),
}
NAME_WEIGHT = 2.0  # of the name against the mean keyword, in a concept's centre
COMMON = 6  # a keyword that more concepts share ("animal") tells too little to be asked for alone


@dataclass
class TextBank:
    """All texts of all concepts. `embeddings`: (t, 384), unit rows. Row numbers per concept, by kind of text."""

    embeddings: Tensor
    names: Tensor  # (c,) rows
    phrases: list[Tensor]  # per concept: templates and name with keywords
    words: list[Tensor]  # per concept: single keywords that few concepts share; may be empty
    owners: Tensor  # (t, c) bool: the concepts that a text is also true of
    centres: Tensor  # (c, 384): what all words for a concept have in common
    styles: Tensor  # (k, 384)
    style_truth: Tensor  # (k, sets) bool

    def names_of(self, concept: Tensor) -> Tensor:
        """The embeddings of these concepts' names."""
        return self.embeddings[self.names[concept]]

    def sample(self, rng: random.Random) -> Tensor:
        """One text row per concept, (c,): half of them names, a quarter phrases, a quarter keywords."""
        rows = self.names.clone()
        for i in range(len(rows)):
            draw = rng.random()
            if draw < 0.35:
                continue
            pool = self.words[i] if draw > 0.7 and len(self.words[i]) else self.phrases[i]
            rows[i] = pool[rng.randrange(len(pool))]
        return rows


def _centres(
    pictures: Pictures, names: NDArray[np.float32], words: NDArray[np.float32], vocabulary: list[str]
) -> Tensor:
    where = {word: i for i, word in enumerate(vocabulary)}
    centres = names * NAME_WEIGHT
    for i, keywords in enumerate(pictures.keywords):
        if keywords:
            centres[i] += words[[where[word] for word in keywords]].mean(0)
    return torch.nn.functional.normalize(torch.from_numpy(centres), dim=1)


def build_text_bank(pictures: Pictures, seed: int = 0) -> TextBank:
    """Embed every text once; about 40,000 sentences, a minute of one core."""
    rng = random.Random(seed)
    used: dict[str, list[int]] = {}
    for i, words in enumerate(pictures.keywords):
        for word in words:
            used.setdefault(word, []).append(i)
    rows: dict[str, int] = {}
    owners: list[set[int]] = []

    def row(text: str, concept: int) -> int:
        number = rows.setdefault(text, len(rows))
        if number == len(owners):
            owners.append(set(used.get(text, ())))
        owners[number].add(concept)
        return number

    names, phrases, words_of = [], [], []
    for i, name in enumerate(pictures.concepts):
        names.append(row(name, i))
        keywords = pictures.keywords[i]
        texts = [template.format(name) for template in TEMPLATES]
        for _ in range(min(6, 2 * len(keywords))):
            texts.append(", ".join([name, *rng.sample(keywords, min(2, len(keywords)))]))
        phrases.append(torch.tensor([row(text, i) for text in dict.fromkeys(texts)]))
        words_of.append(
            torch.tensor([row(word, i) for word in keywords if len(used[word]) <= COMMON], dtype=torch.long)
        )
    truth = torch.zeros(len(rows), len(names), dtype=torch.bool)
    for number, concepts in enumerate(owners):
        truth[number, list(concepts)] = True
    embeddings = embed_sentences([*rows, *STYLES])
    return TextBank(
        embeddings=torch.from_numpy(embeddings[: len(rows)].copy()),
        centres=_centres(pictures, embed_sentences(pictures.concepts), embed_sentences(sorted(used)), sorted(used)),
        names=torch.tensor(names),
        phrases=phrases,
        words=words_of,
        owners=truth,
        styles=torch.from_numpy(np.ascontiguousarray(embeddings[len(rows) :])),
        style_truth=torch.tensor([[name in sets for name in pictures.sets] for sets in STYLES.values()]),
    )
