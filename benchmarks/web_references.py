"""References of the open web, on loopback: licences, presence, duplicates, what is sent, and sources that hang.

    python -m benchmarks.web_references [--runs 200] [--prompts 80] [--only PART]

A "web" is made of the library's pictures that the generator does not know, in the published shapes of Openverse,
Wikimedia Commons and iNaturalist. Prompts come from the half ``dev``.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.cases import Case, known_cases, lacking_cases
from imagerag.assets.library import Library
from imagerag.attribution import attribution
from imagerag.evaluation.evaluator import Evaluator
from imagerag.graphs.agent_graph import build_graph
from imagerag.licences import LicencePolicy, licence_link
from imagerag.settings import Settings
from imagerag.store.png import on_white
from testing.scripted import ScriptedCritic, Squares
from testing.web_server import Web, Work, serving_web, sources_at

SOURCES = ("openverse", "commons", "inaturalist")
LICENCES = ("by", "by-nc", "by-sa", "", "cc0", "by-nd", "pdm", "by-nc-sa", "by-nc-nd")
"""Of the web's pictures, in turn; four of nine allow changes and commercial use."""
PARTS = ("licences", "presence", "known", "duplicates", "sent", "hanging")


@contextlib.contextmanager
def a_web(works: Sequence[Work]) -> Iterator[Web]:
    """Serve works, with the addresses of the sources set to them."""
    before = dict(os.environ)
    with serving_web(works) as web:
        os.environ.update(sources_at(web, *SOURCES))
        try:
            yield web
        finally:
            os.environ.clear()
            os.environ.update(before)


def works_of(library: Library, concepts: Sequence[str], licences: Sequence[str]) -> list[Work]:
    """Return the library's pictures of some concepts as works of a web, their licences in turn."""
    in_turn = itertools.cycle(licences)
    return [
        Work(
            f"work-{row}",
            concept,
            on_white(library.image(row)).convert("RGB"),
            next(in_turn),
            creator=f"Maker {row}",
            tags=library.entries[row].keywords[:5],
        )
        for concept in concepts
        for row in library.by_concept[concept]
    ]


def mixed_licences(library: Library, cases: Sequence[Case], runs: int) -> None:
    """Look up one concept a run, with and without re-ranking, and count references of licences and without thanks."""
    concepts = [case.wanted for case in cases]
    allowed, wrong, thanked, found, without = LicencePolicy(), 0, 0, 0, 0
    with tempfile.TemporaryDirectory() as folder, a_web(works_of(library, concepts, LICENCES)):
        subject = Path(folder) / "subject.png"
        Image.new("RGB", (64, 64), "red").save(subject)
        for number in range(runs):
            concept = concepts[number % len(concepts)]
            rerank: dict[str, Any] = {"rerank": "subject", "subject": (str(subject),)} if number % 2 else {}
            graph = build_graph(critic=ScriptedCritic(itertools.cycle([0.1, 0.2]), [concept]), generator=Squares())
            settings = Settings(home=folder, library=SOURCES, max_generations=2, **rerank)
            config: Any = {"configurable": {"thread_id": f"{number}"}}
            graph.invoke({"prompt": f"a {concept}", "seed": number}, config, context=settings)
            references = graph.get_state(config).values["all_references"]
            retrieved = [one for one in references if one["kind"] == "retrieved"]
            found += len(retrieved)
            without += not retrieved
            wrong += sum(not allowed.allows(one["licence"]) for one in retrieved)
            thanked += sum(
                bool(one.get("creator") and one.get("link"))
                and bool(one.get("licence_link") or not licence_link(one["licence"]))
                and one["creator"] in attribution(one)
                for one in retrieved
            )
    print(f"{runs} runs over {len(SOURCES)} sources of mixed licences: {found} references, {without} runs without one")
    print(f"  of a licence that is not allowed: {wrong} (wanted 0)")
    print(f"  attributed: {thanked / max(found, 1):.1%} (wanted 100%)", flush=True)


def presence(library: Library, cases: Sequence[Case]) -> None:
    """Draw lacking concepts with the local library, and with a web that alone has them."""
    judge = Evaluator()
    shares = {}
    for name, libraries in (("local library", ("bundled",)), ("web", ("openverse",))):
        there, requests, seconds = 0, 0, 0.0
        with (
            tempfile.TemporaryDirectory() as folder,
            a_web(works_of(library, [case.wanted for case in cases], ["by"])) as web,
        ):
            graph = build_graph()
            for case in cases:
                config: Any = {"configurable": {"thread_id": case.prompt}}
                settings = Settings(home=folder, library=libraries)
                run = graph.invoke({"prompt": case.prompt, "seed": case.seed}, config, context=settings)
                there += run["image"] is not None and judge.present(Image.open(run["image"]["path"]), case.wanted)
                seconds += run["seconds"]
            requests = len(web.asked)
        shares[name] = there / len(cases)
        print(
            f"lacking concepts, {len(cases)} prompts (dev), {name}: the concept is there {shares[name]:.1%}, "
            f"{requests} requests, {seconds / len(cases):.1f} s a prompt",
            flush=True,
        )
    print(f"  difference {100 * (shares['web'] - shares['local library']):+.1f} points (wanted within 3)", flush=True)


def known(library: Library, cases: Sequence[Case]) -> None:
    """Draw what the generator knows, with web sources named beside the libraries."""
    with (
        tempfile.TemporaryDirectory() as folder,
        a_web(works_of(library, [case.wanted for case in cases], ["by"])) as web,
    ):
        graph = build_graph()
        for case in cases:
            config: Any = {"configurable": {"thread_id": case.prompt}}
            settings = Settings(home=folder, library=("bundled", *SOURCES))
            graph.invoke({"prompt": case.prompt, "seed": case.seed}, config, context=settings)
        print(f"known prompts, {len(cases)}: {len(web.asked)} requests (wanted 0)", flush=True)


def _look_up(folder: str, concept: str, libraries: Sequence[str] = SOURCES, **settings: Any) -> tuple[list[Any], Any]:
    """Return the references of one run that looks a concept up, and its output."""
    graph = build_graph(critic=ScriptedCritic(itertools.cycle([0.1]), [concept]), generator=Squares())
    config: Any = {"configurable": {"thread_id": f"{time.monotonic_ns()}"}}
    context = Settings(home=folder, library=tuple(libraries), max_generations=2, **settings)
    output = graph.invoke({"prompt": f"a {concept} and a prompt-canary", "seed": 1}, config, context=context)
    return [one for one in graph.get_state(config).values["all_references"] if one["kind"] == "retrieved"], output


def duplicates(library: Library, case: Case) -> None:
    """Look up one picture that three sources have under five addresses, in three sizes."""
    (picture,) = [work.picture for work in works_of(library, [case.wanted], ["by"])][:1]
    sides = (128, 96, 80, 128, 96)
    works = [Work(f"copy-{at}", f"{case.wanted} {at}", picture.resize((side, side))) for at, side in enumerate(sides)]
    with tempfile.TemporaryDirectory() as folder, a_web(works):
        found, _ = _look_up(folder, case.wanted)
    print(f"one picture, 5 addresses, 3 sizes, 3 sources: {len(found)} reference (wanted 1)", flush=True)


def sent(library: Library, case: Case) -> None:
    """Look for a word of the prompt and of the subject's file among the bytes that were sent."""
    with tempfile.TemporaryDirectory() as folder, a_web(works_of(library, [case.wanted], ["by"])) as web:
        subject = Path(folder) / "subject-canary.png"
        Image.new("RGB", (64, 64), "red").save(subject)
        _look_up(folder, case.wanted, subject=(str(subject),))
        said = "\n".join(one.sent for one in web.asked)
    print(
        f"{len(web.asked)} requests, {len(said)} bytes: canaries among them {said.count('canary')} (wanted 0)",
        flush=True,
    )


def hanging(library: Library, case: Case) -> None:
    """Look up while one source of three never answers."""
    let_go = threading.Event()
    with tempfile.TemporaryDirectory() as folder, a_web(works_of(library, [case.wanted], ["by"])) as web:

        def hang(request: object) -> None:
            let_go.wait(300)

        web.faults["/w/api.php"] = hang
        found, output = _look_up(folder, case.wanted, max_seconds=60)
        let_go.set()
    print(
        f"a source that hangs: {len(found)} references by the others, run ended by {output['stop_reason']} after "
        f"{output['seconds']:.0f} of 60 s",
        flush=True,
    )


def main() -> None:
    """Print the rows of the table in docs/web-references.md."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=200)
    options.add_argument("--prompts", type=int, default=80)
    options.add_argument("--only", choices=PARTS)
    chosen = options.parse_args()
    library = Library()
    lacking = lacking_cases(library, "dev", pairs=False)[: chosen.prompts]
    if chosen.only in (None, "duplicates"):
        duplicates(library, lacking[0])
    if chosen.only in (None, "sent"):
        sent(library, lacking[0])
    if chosen.only in (None, "hanging"):
        hanging(library, lacking[0])
    if chosen.only in (None, "licences"):
        mixed_licences(library, lacking, chosen.runs)
    if chosen.only in (None, "known"):
        known(library, known_cases(library, "dev", chosen.prompts))
    if chosen.only in (None, "presence"):
        presence(library, lacking)


if __name__ == "__main__":
    main()
