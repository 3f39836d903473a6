"""How often a fact is quoted, and is called by the right name, on two wikis on loopback.

    python -m benchmarks.facts [--half dev|held-out] [--orders 10] [--show]

``benchmarks/facts.toml`` has what prompts ask for, what each is called (nothing where the pages don't tell), and the
pages. Asked are all pages by their words, as the wikis' own search does: of those that have most of them come three, of
as many in an order by chance, another each time. A
wrong name is looked up in place of what was asked for, so it is worse than none: then the words of the prompt are.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from imagerag.index.captions import content_words
from imagerag.index.web.encyclopedias import Quote
from imagerag.index.web.facts import open_facts
from imagerag.prompt_grammar.facts import reads_as_fact
from imagerag.prompt_grammar.inflection import singular
from imagerag.tools.facts import named_by_quotes, quote_record
from testing.encyclopedias import Article, encyclopedias
from testing.web_server import Reply, WebRequest, serving_web, sources_at

SOURCES = ("wikipedia", "wikidata")
HALVES = ("dev", "held-out")
"""Of the facts: those that the rules were written on, and others."""
CORPUS = Path(__file__).with_name("facts.toml")


def _stems(text: str) -> set[str]:
    return {singular(word) for word in content_words(text)}


def search(pages: list[dict[str, str]], request: WebRequest) -> Reply | None:
    """Answer as a wiki with the pages that have most of the words, of as many those whose title has more first."""
    wanted = _stems(request.query["gsrsearch"])

    def rank(page: dict[str, str]) -> tuple[int, int]:
        return len(wanted & _stems(f"{page['title']} {page['text']}")), len(wanted & _stems(page["title"]))

    best = sorted((page for page in pages if rank(page)[0]), key=rank, reverse=True)
    described = request.query["prop"] == "entityterms"
    return encyclopedias([Article(page["title"], _description(page) if described else page["text"]) for page in best])(
        request
    )


@lru_cache(maxsize=1)
def _answers(order: int, concepts: tuple[str, ...]) -> dict[str, list[Quote]]:
    """Return what both wikis say of each concept, their pages in an order by chance."""
    pages = tomllib.loads(CORPUS.read_text("utf-8"))["page"]
    random.Random(order).shuffle(pages)
    with tempfile.TemporaryDirectory() as folder, serving_web() as web:
        web.faults["/w/api.php"] = lambda request: search(pages, request)
        os.environ.update(sources_at(web, *SOURCES))
        found = open_facts(SOURCES, folder).ask(concepts, lambda text: None)
    return dict(zip(concepts, found, strict=True))


def _description(page: dict[str, str]) -> str:
    """Return what Wikidata would say of a page's thing: what the first sentence says that it is."""
    first = page["text"].split(". ")[0].rstrip(".")
    for verb in (" is ", " are ", " was ", " were "):
        if verb in first:
            return first.partition(verb)[2].removeprefix("the ").removeprefix("a ").removeprefix("an ")
    return first


def measure(facts: list[dict[str, Any]], half: str, orders: int, show: bool) -> str:
    """Return in words how many facts of a half are quoted and named, rightly and wrongly.

    Args:
        facts: as in the file.
        half: which these are.
        orders: of the pages, by chance, in each of which all are asked for.
        show: print each that is not named rightly.
    """
    asks = [(order, fact) for order in range(orders) for fact in facts]
    tally = {"right": 0, "wrong": 0, "none": 0}
    answered, quoted, unread = 0, 0, 0
    for order, fact in asks:
        asked, names = fact["asked"], fact["names"]
        quotes = _answers(order, tuple(one["asked"] for one in facts))[asked]
        unread += not reads_as_fact(asked)
        named = named_by_quotes([quote_record(asked, asked, quote) for quote in quotes]).get(asked, "")
        answered += bool(names)
        quoted += any(quote.title in names for quote in quotes)
        came = "none" if not named else "right" if named in names else "wrong"
        tally[came] += 1
        if show and came != "right":
            print(f"  {order}: {asked}: {named or 'not named'} ({came}; {', '.join(names) or 'not told'})")
    wrong = f"{tally['wrong']} ({tally['wrong'] / len(asks):.1%})"
    return (
        f"{half}: {len(facts)} facts asked {len(asks)} times, {answered} of these told by a page: quoted {quoted}, "
        f"called by the right name {tally['right']}, by a wrong one {wrong}, "
        f"by none {tally['none']}; {unread} do not read as facts"
    )


def main() -> None:
    """Print the rows of the table in docs/web-references.md."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--half", choices=HALVES, help="of the facts (default: both)")
    options.add_argument("--orders", type=int, default=10, help="of the pages, by chance (default: 10)")
    options.add_argument("--show", action="store_true", help="each that is not named rightly")
    chosen = options.parse_args()
    every = tomllib.loads(CORPUS.read_text("utf-8"))["fact"]
    for half in HALVES if chosen.half is None else (chosen.half,):
        facts = [fact for fact in every if fact["half"] == half]
        print(measure(facts, half, chosen.orders, chosen.show), flush=True)


if __name__ == "__main__":
    main()
