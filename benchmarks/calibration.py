"""Calibrated judges and look-up floors: the rows of the table in docs/evaluating.md, for three CLIP models.

    python -m benchmarks.calibration [--models FOLDER] [--splits N]

The embedded model, and two small ones that are trained here on rendered things (a few minutes each; ``--models`` keeps
them). Which pictures and things are for fitting and which for measuring follows from hashes and seeds fixed here.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import by_hash
from benchmarks.clip import K, paraphrases
from benchmarks.small_clip import ARCHITECTURES, build
from benchmarks.truth import questions
from imagerag.agent.clip_critic import ClipCritic
from imagerag.agent.registry import load_critic
from imagerag.assets.library import Library
from imagerag.embedders.calibration import Calibration, bundled_calibration, calibration_error
from imagerag.embedders.clip import Embedder, load_embedder
from imagerag.embedders.registry import embedded_clip
from imagerag.generators.registry import load_generator
from imagerag.index.base import Floor, SearchOptions
from imagerag.index.bundled.chroma import ChromaIndex
from imagerag.index.captions import CaptionWords, carries, common_names
from imagerag.index.user.calibrate import calibrate, own_eyes
from imagerag.index.user.store import SHOWN, UserPictures
from testing.rendered_things import caption_of, nouns, scene
from training.calibrate_critic import best_scores, floor_queries

SCENES, HELD_OUT = 500, 500
"""Captioned scenes of the library, and others that are asked about."""
SPLITS = 6
"""Times that the things are divided into those the library has and those it lacks."""
HAD = 2 / 3
DRAWN_AGAIN = 4
"""Drawings of each question to the embedded critic, under different seeds: 320 questions each time."""
EACH = 3
"""Pictures of each thing that a library has."""
FLOORS: tuple[Floor | None, ...] = (None, "calibrated", 0.45)
"""None, the fitted one, and the cosine of earlier versions."""
DRAWS = 1000
"""Resamplings of the bootstrap; whole pictures are drawn, since questions about one depend on each other."""


class Picture(NamedTuple):
    """One picture to index, and its caption."""

    image: Any
    caption: str


def indexed(folder: Path, embedder: Embedder, pictures: Sequence[Picture]) -> UserPictures:
    """Return the pictures as somebody's own, indexed with a model."""
    folder.mkdir(parents=True)
    rows = []
    for at, picture in enumerate(pictures):
        picture.image.save(folder / f"{at}.png")
        rows.append(json.dumps({"file_name": f"{at}.png", "caption": picture.caption}))
    (folder / "list.jsonl").write_text("\n".join(rows), encoding="utf-8")
    own = UserPictures(folder / "home", embedder)
    outcome = own.add([f"jsonl:{folder}/list.jsonl"])
    assert outcome.added == len(pictures), outcome.skipped
    return own


def scenes(random: np.random.Generator, count: int) -> Iterator[tuple[list[str], Any]]:
    """Yield scenes of one to three things, and what is in them."""
    names = nouns()
    for at in range(count):
        things = [str(name) for name in random.choice(names, 1 + at % 3, replace=False)]
        yield things, scene(things, random, 96)


def reliability(name: str, embedder: Embedder, folder: Path) -> None:
    """Print how far presence is from the truth, on scenes that neither the fit nor the index has seen."""
    own = indexed(folder, embedder, [Picture(image, caption_of(things)) for things, image in scenes(_seed(1), SCENES)])
    fitted = calibrate(own)
    eyes, _, _ = own_eyes(own, SHOWN)
    critic = ClipCritic(embedder, eyes.names, eyes.exemplars, fitted, f"clip:{name}")
    random, names = _seed(3), nouns()
    scores: list[float] = []
    truth: list[float] = []
    picture: list[int] = []
    for at, (things, image) in enumerate(scenes(_seed(2), HELD_OUT)):
        absent = [str(one) for one in random.choice([one for one in names if one not in things], len(things), False)]
        found = critic.look_for(image, [*things, *absent])
        scores += [score["score"] for score in found]
        truth += [1.0] * len(things) + [0.0] * len(absent)
        picture += [at] * len(found)
    own.close()
    print(f"{name}: presence, fitted on {fitted.captioned} captioned scenes")
    _print_reliability(scores, truth, picture)
    checked = fitted.reliability
    if checked is not None:
        print(
            f"  as `index status` tells it: {checked.error:.3f} on {checked.pairs} pairs of {checked.pictures} pictures"
        )


def drawn_reliability() -> None:
    """Print the same of the embedded critic, on what the embedded generator drew of concepts that no fit has seen."""
    critic, embedder, generator = load_critic("clip"), embedded_clip(), load_generator("patchwork")
    scores: list[float] = []
    truth: list[float] = []
    for again in range(DRAWN_AGAIN):
        for question in questions(generator, embedder, Library(), "test", again=again):
            scores.append(critic.look_for(question.image, [question.concept])[0]["score"])
            truth.append(float(question.there))
    print(f"embedded critic: presence, fitted on {bundled_calibration().captioned} drawings of other concepts")
    _print_reliability(scores, truth, range(len(scores)))


def _print_reliability(scores: Sequence[float], truth: Sequence[float], picture: Sequence[int]) -> None:
    p, there, of = np.array(scores), np.array(truth), np.array(picture)
    low, high = _bootstrap(p, there, of)
    right = float(np.mean((p >= 0.5) == there))
    print(f"  {len(p)} pairs of {len(np.unique(of))} held-out pictures, right on {right:.1%}")
    print(f"  probability 0.1..0.9 for {np.mean((p > 0.1) & (p < 0.9)):.0%} of the pairs")
    error = calibration_error(p, there)
    print(f"  expected calibration error {error:.3f}, 95 % interval {low:.3f}..{high:.3f} (wanted <= 0.05)", flush=True)


def _bootstrap(p: NDArray[Any], there: NDArray[Any], picture: NDArray[Any]) -> tuple[float, float]:
    random, rows = _seed(4), [np.flatnonzero(picture == at) for at in np.unique(picture)]
    errors = []
    for _ in range(DRAWS):
        drawn = np.concatenate([rows[at] for at in random.integers(len(rows), size=len(rows))])
        errors.append(calibration_error(p[drawn], there[drawn]))
    low, high = np.quantile(errors, [0.025, 0.975])
    return float(low), float(high)


class Division(NamedTuple):
    """One division: the pictures of a library, and what is asked for.

    Attributes:
        pictures: that the library has.
        had: query -> caption of the pictures that answer it.
        lacking: queries about what it lacks.
    """

    pictures: list[Picture]
    had: dict[str, str]
    lacking: list[str]


def rendered(split: int) -> Division:
    """Return a library of rendered things."""
    names = by_hash(f"split {split}", nouns())
    had = names[: int(len(names) * HAD)]
    random = _seed(100 + split)
    pictures = [Picture(scene([noun], random, 96), caption_of([noun])) for noun in had for _ in range(EACH)]
    return Division(pictures, {noun: caption_of([noun]) for noun in had}, names[len(had) :])


def pictograms(split: int) -> Division:
    """Return a library of some of the bundled concepts, as somebody's own captioned pictures; one style of each.

    It lacks those of the other concepts that none of its captions names by their main word.
    """
    library = Library()
    names = by_hash(f"split {split}", [concept.name for concept in library.concepts])
    had = names[: len(names) // 2]
    pictures = []
    for at, name in enumerate(had):
        rows = library.by_concept[name]
        image = library.image(rows[at % len(rows)])
        pictures.append(Picture(image, name))
    words = CaptionWords(had)
    lacking = [name for name in names[len(had) :] if not len(words.related(name))]
    return Division(pictures, {name: name for name in had}, lacking)


def floor_rows(name: str, embedder: Embedder, folder: Path, divided: Callable[[int], Division], splits: int) -> None:
    """Print false positives and recall with the fitted floor, pooled over the divisions."""
    false, asked = 0, 0
    plain: list[bool] = []
    floored: list[bool] = []
    with_words: list[bool] = []
    statistics = set()
    for split in range(splits):
        case = divided(split)
        own = indexed(folder / str(split), embedder, case.pictures)
        fitted = calibrate(own)
        assert fitted.floor is not None
        statistics.add(fitted.floor.statistic)
        lacking = _really_lacking(own, fitted, case)
        found = own.search(lacking, K, SearchOptions(floor="calibrated", fused=False))
        false, asked = false + sum(bool(hits) for hits in found), asked + len(lacking)
        queries = list(case.had)
        vectors = embedder.embed_texts(queries)
        every = own.search(queries, K, SearchOptions(fused=False))
        kept = own.search(queries, K, SearchOptions(fused=False, floor="calibrated"))
        for query, vector, hits, above in zip(queries, vectors, every, kept, strict=True):
            near = fitted.floor.above([hit.similarity for hit in hits], vector)
            right = [hit.title == case.had[query] for hit in hits]
            plain.append(any(right))
            floored.append(any(one and enough for one, enough in zip(right, near, strict=True)))
            with_words.append(any(hit.title == case.had[query] for hit in above))
        own.close()
    print(f"{name}: floor of {splits} libraries, by {' or '.join(sorted(statistics))}")
    print(f"  false positives {false / asked:.1%} of {asked} queries for what they lack (wanted 3..7 %)")
    print(
        f"  recall@{K} of {len(plain)} queries for what they have: {np.mean(plain):.1%} without a floor, "
        f"{np.mean(floored):.1%} with it, {np.mean(with_words):.1%} where words of captions count (wanted: at most 2 "
        "points less)",
        flush=True,
    )


def _really_lacking(own: UserPictures, fitted: Calibration, case: Division) -> list[str]:
    """Leave out queries that are near-synonyms, to the model, of something the library has."""
    had = own.embedder.embed_texts(list(case.had))
    alike = (own.embedder.embed_texts(case.lacking) @ had.T >= fitted.presence.synonym).any(axis=1)
    return [query for query, same in zip(case.lacking, np.atleast_1d(alike), strict=True) if not same]


def bundled_rows(folder: Path) -> None:
    """Print the same of the bundled library, whose floor was fitted on half of its concepts."""
    library, embedder = Library(), embedded_clip()
    pictures = library.stored_embeddings(embedder.model_id)
    assert pictures is not None
    index = ChromaIndex(folder, embedder)
    queries = floor_queries(library, "test")
    floor = bundled_calibration().floor
    assert floor is not None
    lacking = best_scores(library, embedder, pictures, queries, lacking=True)
    false = float((lacking >= floor.value).mean())
    print("embedded on the bundled library: floor fitted on the other half of its concepts")
    print(f"  false positives {false:.1%} of {len(queries)} concepts once it lacks them (wanted 3..7 %)")
    names = {name: frozenset([name]) for name in queries}
    everyday = paraphrases()
    unseen = set(by_hash("paraphrase half", everyday)[1::2])
    unsaid = {
        query
        for query, concepts in everyday.items()
        if not any(carries(query, word) for concept in concepts for word in library.synonyms.get(concept, ()))
    }
    chosen = {
        "names": names,
        "paraphrases": everyday,
        "of them on which nothing was chosen": {query: everyday[query] for query in everyday if query in unseen},
        "of them that are no synonyms of the library": {
            query: everyday[query] for query in everyday if query in unsaid
        },
        "of them that are neither": {query: everyday[query] for query in everyday if query in unseen & unsaid},
    }
    for what, asked in chosen.items():
        shares = []
        for least in FLOORS:
            found = index.search(list(asked), K, SearchOptions(floor=least))
            right = [bool(asked[query] & {hit.title for hit in hits}) for query, hits in zip(asked, found, strict=True)]
            shares.append(float(np.mean(right)))
        print(
            f"  recall@{K} by {len(asked)} {what}: {shares[0]:.1%} without a floor, {shares[1]:.1%} with it, "
            f"{shares[2]:.1%} with the cosine 0.45 of earlier versions"
        )
    further = (word for words in library.synonyms.values() for word in words)
    words = CaptionWords([*(word for words in library.said for word in words), *further])
    strange = [name for name in common_names() if not len(words.related(name))]
    for least in FLOORS[1:]:
        found = index.search(strange, K, SearchOptions(floor=least))
        answered = sum(bool(hits) for hits in found)
        print(f"  of {len(strange)} everyday names it has no words for, {answered} are answered with floor {least}")
    index.close()


def _seed(number: int) -> np.random.Generator:
    return np.random.default_rng(number)


def main() -> None:
    """Build the models, then print all rows."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--models", type=Path, help="folder that keeps the small models (default: a temporary one)")
    options.add_argument("--splits", type=int, default=SPLITS)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        drawn_reliability()
        bundled_rows(folder / "bundled")
        floor_rows("embedded on own pictograms", embedded_clip(), folder / "embedded", pictograms, 2)
        for name in ARCHITECTURES:
            embedder = load_embedder(f"open_clip:local-dir:{build(name, chosen.models or folder)}")
            reliability(name, embedder, folder / name / "scenes")
            floor_rows(name, embedder, folder / name / "things", rendered, chosen.splits)


if __name__ == "__main__":
    main()
