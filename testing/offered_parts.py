"""Generators and a critic that only tests know by name, and a server that offers them."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from unittest.mock import patch

from imagerag.agent import names, registry
from imagerag.generators import registry as generators
from imagerag.server.service import Service
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, Squares
from testing.servers import Shelf


class Circles(Squares):
    """Another generator than ``Squares``, by its name."""

    name, max_references = "circles", 1


@contextmanager
def offering_service(home: Path, *offer: str) -> Iterator[Service]:
    """Yield a service that draws with ``squares`` unless a client chooses ``circles``, and judges by ``kind``."""
    made = {"squares": Squares(), "circles": Circles()}
    critics = {"kind": ScriptedCritic(repeat(0.9)), "strict": ScriptedCritic(repeat(0.3))}
    with (
        patch.dict(generators.GENERATORS, {name: lambda _, part=part: part for name, part in made.items()}),
        patch.dict(generators.PROFILES, dict.fromkeys(made, "pictograms")),
        patch.dict(names.CRITICS, {name: lambda part=part: part for name, part in critics.items()}),
    ):
        for cache in (generators.load_generator, registry.load_critic):
            cache.cache_clear()
        service = Service(Settings(home=str(home), generator="squares", critic="kind", offer=offer), index=Shelf())
        try:
            yield service
        finally:
            service.close()
            for cache in (generators.load_generator, registry.load_critic):
                cache.cache_clear()
