"""What several benchmarks run on: a data directory of their own."""

import tempfile
from pathlib import Path

from imagerag.settings import Settings


def benchmark_settings(**settings: object) -> Settings:
    """Return the default settings in a data directory that is kept between benchmarks but apart from the user's."""
    home = Path(tempfile.gettempdir()) / "imagerag-bench"
    return Settings(home=str(home), **settings)  # type: ignore[arg-type]
