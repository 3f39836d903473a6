"""What several benchmarks run on: a data directory of their own, and a generator that draws nothing twice."""

import tempfile
from pathlib import Path

from imagerag.generators.base import UNCONTROLLED, DrawControl, Drawing, DrawRequest, Generator, reference_scales
from imagerag.settings import Settings


def benchmark_settings(**settings: object) -> Settings:
    """Return the default settings in a data directory that is kept between benchmarks but apart from the user's."""
    home = Path(tempfile.gettempdir()) / "imagerag-bench"
    return Settings(home=str(home), **settings)  # type: ignore[arg-type]


class Remembering:
    """A generator that hands a drawing it has made before out again.

    Allowed because the same request gives the same pixels by contract (a test holds it to that), and three systems
    that begin with the same first image need not each draw it.
    """

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._drawn: dict[object, list[Drawing]] = {}
        self.name, self.revision = generator.name, generator.revision
        self.max_references = generator.max_references
        self.reference_scales = reference_scales(generator)

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        """See ``Generator.draw``."""
        references = tuple((reference.sha256, reference.concept) for reference in request.references)
        key = (request.prompt, request.seeds, references, request.reference_scale)
        if key not in self._drawn:
            self._drawn[key] = self._generator.draw(request, control)
        return self._drawn[key]
