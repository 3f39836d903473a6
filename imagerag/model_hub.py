"""What all that loads weights has in common, whatever the weights are of: quiet libraries, and words for what lacks."""

import contextvars
import logging
import os
import re
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

from imagerag.errors import UserError, causes, first_line
from imagerag.hub_offline import is_kept_offline, why_unreachable
from imagerag.moved_repositories import MOVED
from imagerag.shell_words import quoted

_LIBRARIES = ("diffusers", "torch.jit", "huggingface_hub", "transformers", "bitsandbytes", "langchain_google_genai")


def silence_libraries() -> None:
    """Leave the libraries' warnings about what is handled here (long prompts, retries) out of the story on stderr."""
    for library in _LIBRARIES:
        warnings.filterwarnings("ignore", module=library)
        logging.getLogger(library).setLevel(logging.ERROR)


class Download(NamedTuple):
    """How far downloading from the Hugging Face hub has come.

    Attributes:
        done: bytes so far.
        rate: bytes per second of late; of one that has ended, in all.
        total: bytes that were expected, about; 0 where that isn't known.
        seconds: so far.
        ended: whether no more comes.
    """

    done: int
    rate: float
    total: int = 0
    seconds: float = 0.0
    ended: bool = False

    @property
    def text(self) -> str:
        """It in words."""
        rate = f"{self.rate / 1e6:.1f} MB/s"
        if self.ended:
            return f"downloaded: {self.done / 1e9:.2f} GB in {self.seconds:.0f} s, {rate}"
        if self.total <= self.done:  # as it is where the estimate was too low
            return f"downloading: {self.done / 1e9:.2f} GB so far, {rate}"
        share = f"{self.done / self.total:.0%}"
        return f"downloading: {self.done / 1e9:.2f} of about {self.total / 1e9:.2f} GB ({share}), {rate}"


@contextmanager
def downloads_watched(report: Callable[[Download], None], total: int = 0, every: float = 0.5) -> Iterator[None]:
    """Report how much has come from the Hugging Face hub, and at what rate, until the block ends.

    Each library downloads in its own way, but all into the hub's cache, whose growth is what is told.

    Args:
        report: told only once something has come, from another thread; and a last time as the block ends.
        total: bytes that are expected, about; 0 where that isn't known.
        every: seconds between two looks.
    """
    ended = threading.Event()
    first, began = _cached_bytes(), time.monotonic()

    def watch() -> None:
        before, at = first, began
        while not ended.wait(every):
            now, clock = _cached_bytes(), time.monotonic()
            if now > first:
                report(Download(now - first, max(now - before, 0) / max(clock - at, 1e-3), total, clock - began))
            before, at = now, clock

    # LangGraph's writer of events finds its run by the context, which a thread doesn't take over by itself.
    within = contextvars.copy_context()
    watcher = threading.Thread(target=within.run, args=(watch,), daemon=True, name="imagerag-downloads")
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join(every)  # so that the last report is the last
        done, seconds = _cached_bytes() - first, time.monotonic() - began
        if done > 0:
            report(Download(done, done / max(seconds, 1e-3), total, seconds, ended=True))


def hub_cache() -> Path:
    """Return the folder of the hub's cache, as ``huggingface_hub`` finds it, which takes long to import."""
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        return Path(constants.HF_HUB_CACHE)
    said = os.environ.get
    home = said("HF_HOME") or os.path.join(said("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    cache = said("HF_HUB_CACHE") or said("HUGGINGFACE_HUB_CACHE") or os.path.join(home, "hub")
    return Path(os.path.expandvars(os.path.expanduser(cache)))


def _cached_bytes() -> int:
    """Return the size of all files of the hub's cache, unfinished ones included."""
    total = 0
    for folder in hub_cache().glob("*/blobs"):
        with suppress(OSError):  # a file may be moved away while it is looked at
            total += sum(entry.stat().st_size for entry in os.scandir(folder))
    return total


NO_REPOSITORY = "is neither a folder here nor a name that a repository of the hub can have"


def may_be_repository(name: str) -> bool:
    """Return whether the hub can have a repository of that name; a path of this machine is none."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # its stub leaves it out

    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True


class Refusal(NamedTuple):
    """Why the hub gives no weights.

    Attributes:
        kind: ``login``: nobody is logged in, or with a token that is not valid; ``licence``: who is logged in was not
            admitted; ``absent``, ``revision``, ``file``: there is none of that name; ``unreachable``.
        why: in words.
        mend: what the person can do.
    """

    kind: Literal["login", "licence", "absent", "revision", "file", "unreachable"]
    why: str
    mend: str


def refusal(repository: str, error: BaseException) -> Refusal | None:
    """Return what an error of the Hugging Face libraries says of the hub; ``None`` if it is about something else.

    They wrap the hub's own error in others, whose words differ from library to library.

    Args:
        repository: its id, as ``hf download`` takes it.
        error: what a library raised.
    """
    from huggingface_hub import constants, errors

    behind = list(causes(error))
    page = f"https://huggingface.co/{repository}"  # whatever HF_ENDPOINT is: mirrors admit nobody
    for each in behind:
        status = getattr(getattr(each, "response", None), "status_code", None)
        if isinstance(each, errors.GatedRepoError):
            if status == 403:
                why = "is gated, and the account that is logged in here has not been admitted"
                return Refusal("licence", why, f"accept its licence at {page}, or log in as another: hf auth login")
            return Refusal(
                "login", "is gated, and nobody is logged in here", f"accept its licence at {page}, then: hf auth login"
            )
        if isinstance(each, errors.RevisionNotFoundError):
            return Refusal("revision", "has no such revision", f"take one of those at {page}/tree/main")
        if isinstance(each, errors.RepositoryNotFoundError) and (copy := MOVED.get(repository)) is not None:
            return Refusal("absent", "was taken off the hub by its makers", f"name its copy there: {copy}")
        if isinstance(each, errors.RepositoryNotFoundError):
            why = "is not on the hub, or is private"
            return Refusal("absent", why, "check its name; if it is private: hf auth login")
        if isinstance(each, errors.HfHubHTTPError) and status == 401:
            return Refusal("login", "is refused, since the token that is set here is not valid", "hf auth login")
        if isinstance(each, errors.HfHubHTTPError) and status == 403:
            return Refusal("licence", "is refused to the account that is logged in here", f"see {page}")
    for each in behind:
        if isinstance(each, errors.RemoteEntryNotFoundError):
            name = str(each.response.url).partition("/resolve/")[2].partition("/")[2]
            return Refusal("file", f"has no file {name!r}", f"name another model, or a revision that has it: {page}")
        offline = constants.HF_HUB_OFFLINE and isinstance(each, errors.LocalEntryNotFoundError)
        offline = offline or isinstance(each, errors.OfflineModeIsEnabled)
        if offline and is_kept_offline():
            why = f"{constants.ENDPOINT} can't be reached: {why_unreachable()[:80]}"
            return Refusal("unreachable", why, "check the network, or HF_ENDPOINT")
        if offline:
            return Refusal("unreachable", "HF_HUB_OFFLINE is set", "unset HF_HUB_OFFLINE")
        if type(each).__name__ == "TooManyRedirects":
            why = f"{constants.ENDPOINT} sends from one address to the next without end"
            return Refusal("unreachable", why, "check HF_ENDPOINT")
        if any(kind.__name__ == "TransportError" for kind in type(each).__mro__):
            slow = "Timeout" in type(each).__name__
            what = "does not answer in time" if slow else f"can't be reached: {first_line(each, 80)}"
            return Refusal("unreachable", f"{constants.ENDPOINT} {what}", "check the network, or HF_ENDPOINT")
    return None


def http_error() -> type[Exception]:
    """Return what the hub's HTTP client raises, which is no ``OSError`` and comes through where a hub is slow."""
    from huggingface_hub.errors import HfHubHTTPError

    client: type[Exception] = HfHubHTTPError.__bases__[0]  # of httpx, or of what takes its place in another version
    return client


def repository_of(error: BaseException) -> str:
    """Return the repository that a request was about which failed; empty if none did."""
    for each in causes(error):
        told: Any = getattr(each, "response", None) or each
        with suppress(AttributeError, RuntimeError):  # httpx raises where a request isn't known
            found = re.search(r"([\w.-]+/[\w.-]+)/resolve/", str(told.request.url))
            if found:
                return found[1]
    return ""


def download_command(repository: str, revision: str | None = None, patterns: Sequence[str] = ()) -> str:
    """Return the command that gets weights into the hub's cache.

    Args:
        repository: its id.
        revision: of the repository; the newest unless given.
        patterns: of the files that are loaded; many repositories have the same weights in several formats.
    """
    words = ["hf", "download", repository, *(["--revision", revision] if revision else [])]
    return quoted([*words, *(word for pattern in patterns for word in ("--include", pattern))])


def not_fetched(
    model: str, error: BaseException, size: str = "", patterns: Sequence[str] = (), revision: str | None = None
) -> UserError:
    """Return the one line for a library's error while it fetched weights.

    Args:
        model: its id, with anything behind it in brackets.
        error: what the library raised.
        size: what there is to say about its size.
        patterns: of the files that are loaded, where they are known.
        revision: of the repository.
    """
    name = model.partition(" (")[0]
    if not may_be_repository(name):
        return UserError(f"model {model!r} {NO_REPOSITORY}; put the model there, or name another")
    found = refusal(name, error)
    if found is None or found.kind == "unreachable":
        reason = " ".join(str(error).split())[:200] if found is None else found.why
        return weights_missing(model, reason, size, patterns, revision)
    return UserError(f"model {model!r}{size} can't be downloaded: it {found.why}; {found.mend}")


def weights_missing(
    model: str, reason: str, size: str = "", patterns: Sequence[str] = (), revision: str | None = None
) -> UserError:
    """Return the one line for weights that are not on this machine and can't be fetched.

    Args:
        model: its id, as ``hf download`` takes it, with anything behind it in brackets.
        reason: why it can't be fetched.
        size: what there is to say about its size.
        patterns, revision: see ``download_command``.
    """
    command = download_command(model.partition(" (")[0], revision, patterns)
    return UserError(
        f"model {model!r}{size} is not on this machine and can't be downloaded ({reason}); where there is a network: "
        f"{command}"
    )


@contextmanager
def quiet_loading() -> Iterator[None]:
    """No progress bars and load reports: stderr belongs to the run's own progress. Restored afterwards."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
    from transformers.utils import logging as transformers_logging

    # the error that ends the loading says what the loggers repeat at every try
    loggers = (logging.getLogger(), logging.getLogger("huggingface_hub"))
    levels, verbosity = [logger.level for logger in loggers], transformers_logging.get_verbosity()
    # diffusers has bars of its own, and takes a second to import where nothing is loaded with it
    drawing = [sys.modules["diffusers.utils.logging"]] if "diffusers.utils.logging" in sys.modules else []
    bars = [each for each in (transformers_logging, *drawing) if each.is_progress_bar_enabled()]
    fetching = not are_progress_bars_disabled()
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    transformers_logging.set_verbosity(logging.ERROR)
    for each in bars:
        each.disable_progress_bar()
    if fetching:
        disable_progress_bars()
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        transformers_logging.set_verbosity(verbosity)
        for each in bars:
            each.enable_progress_bar()
        if fetching:
            enable_progress_bars()


def damaged_weights(what: str, error: BaseException) -> UserError | None:
    """Return the error for weights in a file that is cut short or garbage; ``None`` if another thing is wrong.

    Args:
        what: names the model.
        error: what a library raised; its causes are looked through, since diffusers raises an ``OSError`` in the end.
    """
    from pickle import UnpicklingError

    from safetensors import SafetensorError

    for one in causes(error):
        if isinstance(one, SafetensorError | UnpicklingError | EOFError):
            return UserError(f"the weights of {what!r} are damaged ({first_line(one)}); copy or download them again")
    return None
