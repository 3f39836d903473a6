"""What all that loads weights has in common, whatever the weights are of: quiet libraries, and words for what lacks."""

import logging
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from imagerag.errors import UserError

_LIBRARIES = ("diffusers", "huggingface_hub", "transformers", "bitsandbytes", "langchain_google_genai")


def silence_libraries() -> None:
    """Leave the libraries' warnings about what is handled here (long prompts, retries) out of the story on stderr."""
    for library in _LIBRARIES:
        warnings.filterwarnings("ignore", module=library)
        logging.getLogger(library).setLevel(logging.ERROR)


@contextmanager
def downloads_watched(report: Callable[[int, float], None], every: float = 0.5) -> Iterator[None]:
    """Report how many bytes have come from the Hugging Face hub, and at what rate, until the block ends.

    Each library downloads in its own way, but all into the hub's cache, whose growth is what is told.

    Args:
        report: told the bytes since the block began, and bytes per second of late; from another thread, and only once
            something has come.
        every: seconds between two looks.
    """
    ended = threading.Event()
    first = _cached_bytes()

    def watch() -> None:
        before, at = first, time.monotonic()
        while not ended.wait(every):
            now, clock = _cached_bytes(), time.monotonic()
            if now > first:
                report(now - first, max(now - before, 0) / max(clock - at, 1e-3))
            before, at = now, clock

    threading.Thread(target=watch, daemon=True, name="imagerag-downloads").start()
    try:
        yield
    finally:
        ended.set()


def download_text(done: int, rate: float) -> str:
    """Return in words how much has come, in bytes, and how fast, in bytes per second."""
    return f"downloading: {done / 1e9:.2f} GB so far, {rate / 1e6:.1f} MB/s"


def hub_cache() -> Path:
    """Return the folder of the hub's cache, as ``huggingface_hub`` finds it, which takes long to import."""
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        return Path(constants.HF_HUB_CACHE)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    home = os.environ.get("HF_HOME") or Path(cache, "huggingface")
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home, "hub")).expanduser()


def _cached_bytes() -> int:
    """Return the size of all files of the hub's cache, unfinished ones included."""
    total = 0
    for folder in hub_cache().glob("*/blobs"):
        with suppress(OSError):  # a file may be moved away while it is looked at
            total += sum(entry.stat().st_size for entry in os.scandir(folder))
    return total


def weights_missing(model: str, reason: str, size: str = "") -> UserError:
    """Return the one line for weights that are not on this machine and can't be fetched.

    Args:
        model: its id, as ``hf download`` takes it, with anything behind it in brackets.
        reason: why it can't be fetched.
        size: what there is to say about its size.
    """
    return UserError(
        f"model {model!r}{size} is not on this machine and can't be downloaded ({reason}); where there is a network: "
        f"hf download {model.partition(' (')[0]}"
    )


@contextmanager
def quiet_loading() -> Iterator[None]:
    """No progress bars and load reports: stderr belongs to the run's own progress. Restored afterwards."""
    from transformers.utils import logging as transformers_logging

    # the error that ends the loading says what the loggers repeat at every try
    loggers = (logging.getLogger(), logging.getLogger("huggingface_hub"))
    levels, verbosity = [logger.level for logger in loggers], transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    transformers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
