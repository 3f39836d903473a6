"""The settings of a run: one frozen object, parsed once at the edge.

The same names serve everywhere: a field here, ``--max-steps`` on the command line, ``IMAGERAG_MAX_STEPS`` in the
environment, ``max_steps`` in the settings file. Precedence: flag, environment, file, default.
"""

import os
import threading
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagerag.device_settings import DeviceSettings, Memory
from imagerag.errors import UserError
from imagerag.records import MODES, Mode

if TYPE_CHECKING:
    Flag = threading.Event
else:
    # LangGraph's server makes a form of this class, and no JSON stands for an event.
    Flag = Any

RERANKERS = ("none", "vlm", "subject")


@dataclass(frozen=True)
class Settings:
    """What one run may be told.

    Attributes:
        generator: which generator draws; see ``imagerag.generators.registry``.
        device, dtype, memory: where and how a local generator or chat model holds its weights; see
            ``imagerag.device_settings.DeviceSettings``.
        vlm: which chat model decides; ``rules`` is the embedded rule-based policy, which is no language model.
        vlm_text_only: the chat model takes no images, where neither its profile nor its server tells; it is told in
            words and numbers what they show.
        image_size: pixels of the longer side of images sent to models; as large as each takes them when ``None``.
        critic: which critic judges.
        mode: ``auto`` draws first and looks up what is missing; ``lookup_first`` looks every concept up before it
            draws (the paper's generation mode); ``rephrase_only`` rewrites the prompt and looks nothing up (the
            paper's control); ``no_lookup`` draws again with other seeds.
        seed: of the first candidate, 0..2**32-1; chosen at random, and recorded, when ``None``.
        n: candidates per generation, drawn in one batch, 1..16; the critic picks.
        subject: files with the user's own subject images.
        max_steps: decisions of the chat model.
        max_generations: batches drawn; each counts once whatever ``n`` is.
        max_seconds: wall clock of the run.
        max_tokens: model tokens, input and output together.
        max_money: US dollars, where prices are known.
        thread: the conversation to continue or to begin; programs give ``thread_id`` in the config instead.
        out: folder that receives a copy of every image of the run.
        lookup_model: which CLIP model searches the person's own pictures, as ``imagerag index add --model`` takes it;
            several with commas between, then their ranks and that of the captions' words are fused.
        lookup_floor: cosine below which nothing is found; 0.45 of the embedded model and none of others when ``None``.
        lookup_diverse: 0..1, how unlike each other the person's own pictures are that are found together.
        rerank: what puts references in a better order: ``none``; ``vlm``, the model that judges or decides, which looks
            at twice as many as are wanted; ``subject``, likeness to the user's own images.
        chroma: address of the Chroma server that holds the search index of the person's own pictures; it lies in the
            data directory when ``None``.
        home: data directory; ``IMAGERAG_HOME`` or the platform's user data folder when ``None``.
        record: new file that receives every exchange with a model, to replay them; see
            ``imagerag.chat_models.recording``.
        mcp_server: other people's MCP servers whose tools the chat model may call: commands, or http(s) addresses.
        mcp_allow: the names of those tools; no other one is offered.
        approve: stop before each redraw at an interrupt until a person has approved its references; for programs and
            doors that can answer, see ``imagerag.graphs.approval``.
        cancel: set it from any thread to stop the run between two denoising steps.
    """

    generator: str = "patchwork"
    device: str = "auto"
    dtype: str = "auto"
    memory: Memory = "auto"
    vlm: str = "rules"
    vlm_text_only: bool = False
    image_size: int | None = None
    critic: str = "clip"
    mode: Mode = "auto"
    seed: int | None = None
    n: int = 1
    subject: tuple[str, ...] = ()
    max_steps: int = 24
    max_generations: int = 5
    max_seconds: float = 120.0
    max_tokens: int | None = None
    max_money: float | None = None
    thread: str | None = None
    out: str | None = None
    lookup_model: str = "embedded"
    lookup_floor: float | None = None
    lookup_diverse: float = 0.0
    rerank: str = "none"
    chroma: str | None = None
    record: str | None = None
    home: str | None = None
    mcp_server: tuple[str, ...] = ()
    mcp_allow: tuple[str, ...] = ()
    approve: bool = False
    cancel: "Flag | None" = None

    def __post_init__(self) -> None:
        """Refuse values outside their range.

        Raises:
            UserError: naming the value, what is valid, and the flag that sets it.
        """
        DeviceSettings(self.device, self.dtype, self.memory)
        if self.mode not in MODES:
            raise UserError(f"mode {self.mode!r} is not one of {', '.join(MODES)}; give --mode one of these")
        if self.vlm_text_only and self.critic == self.vlm:
            raise UserError(
                f"critic {self.critic!r} takes no images (--vlm-text-only), so it can't judge; leave --critic out, "
                "then CLIP judges, or name a model that takes images"
            )
        if self.rerank not in RERANKERS:
            raise UserError(f"rerank {self.rerank!r} is not one of {', '.join(RERANKERS)}; give --rerank one of these")
        if not 0 <= self.lookup_diverse <= 1:
            raise UserError(f"lookup_diverse {self.lookup_diverse!r} is outside 0..1; give --lookup-diverse 0 to 1")
        if not self.lookup_models:
            raise UserError(f"lookup_model {self.lookup_model!r} names no model; leave --lookup-model out, or name one")
        _within("n", self.n, 1, 16)
        if self.seed is not None:
            _within("seed", self.seed, 0, 2**32 - 1)
        if self.image_size is not None:
            _within("image_size", self.image_size, 16, 8192)
        _within("max_steps", self.max_steps, 1, 1000)
        _within("max_generations", self.max_generations, 1, 1000)
        if not self.max_seconds > 0:
            raise UserError(f"max_seconds {self.max_seconds!r} must be above 0; give --max-seconds a number of seconds")
        for name in ("max_tokens", "max_money"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise UserError(f"{name} {value!r} must be 0 or more; give --{name.replace('_', '-')} such a number")

    @property
    def lookup_models(self) -> tuple[str, ...]:
        """The models of ``lookup_model``."""
        return tuple(dict.fromkeys(name.strip() for name in self.lookup_model.split(",") if name.strip()))

    @property
    def device_settings(self) -> DeviceSettings:
        """How models that run here hold their weights."""
        return DeviceSettings(self.device, self.dtype, self.memory)


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        flag = "--" + name.replace("_", "-")
        raise UserError(f"{name} {value!r} is outside {low}..{high}; give {flag} a whole number in that range")


NOT_SETTABLE = frozenset({"approve", "cancel"})
SETTINGS = tuple(field.name for field in fields(Settings) if field.name not in NOT_SETTABLE)


def load_settings(
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """Merge flags, environment, settings file and defaults into one context.

    Args:
        flags: values by field name; ``None`` values count as not given.
        environ: ``os.environ`` unless given; ``IMAGERAG_<FIELD>`` in upper case, lists separated by ``os.pathsep``,
            servers by line ends, names by commas.
        file: TOML with the same names at top level; must exist when given.

    Raises:
        UserError: an unknown name in the file, or a value of the wrong type or range; it names where it came from.
    """
    environ = os.environ if environ is None else environ
    given: dict[str, Any] = {}
    if file is not None:
        given |= _from_file(file)
    for name in SETTINGS:
        text = environ.get(f"IMAGERAG_{name.upper()}")
        if text:
            given[name] = _parse(name, text, f"IMAGERAG_{name.upper()}")
    given |= {name: value for name, value in (flags or {}).items() if value is not None}
    return replace(Settings(), **given)


def without_server_paths(context: Settings, environ: Mapping[str, str] | None = None) -> Settings:
    """Return a client's context with the server's own places in it.

    Raises:
        UserError: it names a file or a folder; those are this machine's, not the client's.
    """
    own = load_settings(environ=environ)
    embedded = Settings()
    for name in ("generator", "vlm", "critic", "device", "dtype", "memory", "lookup_model"):
        value = getattr(context, name)
        if value not in (getattr(own, name), getattr(embedded, name)):
            # Names may hold addresses and files of the server, or load gigabytes there.
            raise UserError(f"{name} {value!r} is chosen by whoever runs this server, not by its clients; leave it out")
    for name in ("subject", "home", "out", "chroma", "record"):
        value = getattr(context, name)
        if value and value != getattr(own, name):
            raise UserError(f"{name} {value!r} is a place on the server, which clients can't choose; leave it out")
    for name in ("mcp_server", "mcp_allow"):
        value = tuple(getattr(context, name))
        if value and value != getattr(own, name):
            raise UserError(f"{name} {value!r} is chosen by whoever runs this server, not by its clients; leave it out")
    context = replace(context, mcp_server=own.mcp_server, mcp_allow=own.mcp_allow)
    return replace(context, subject=own.subject, home=own.home, out=own.out, chroma=own.chroma, record=own.record)


def _from_file(file: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(
            f"settings file {str(file)!r} can't be read ({error}); mend it or leave --config out"
        ) from error
    unknown = sorted(set(table) - set(SETTINGS))
    if unknown:
        raise UserError(f"settings file {str(file)!r} has unknown name {unknown[0]!r}; valid: {', '.join(SETTINGS)}")
    return {name: _parse(name, value, f"{name} in {str(file)!r}") for name, value in table.items()}


_YES_OR_NO = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
_SEPARATORS = {"mcp_server": "\n", "mcp_allow": ","}
"""Addresses and commands have every other character in them."""
_KINDS: dict[str, type] = {
    "seed": int,
    "n": int,
    "image_size": int,
    "max_steps": int,
    "max_generations": int,
    "max_tokens": int,
}
_KINDS |= {"lookup_floor": float, "lookup_diverse": float, "max_seconds": float, "max_money": float}


def _parse(name: str, value: Any, where: str) -> Any:
    if name == "subject":
        return tuple(value.split(os.pathsep)) if isinstance(value, str) else tuple(map(str, value))
    if name in _SEPARATORS:
        parts = value.split(_SEPARATORS[name]) if isinstance(value, str) else map(str, value)
        return tuple(part.strip() for part in parts if part.strip())
    if name == "vlm_text_only":
        if str(value).lower() not in _YES_OR_NO:
            raise UserError(f"{where} is {value!r}; it must be one of {', '.join(_YES_OR_NO)}")
        return _YES_OR_NO[str(value).lower()]
    kind = _KINDS.get(name, str)
    try:
        return kind(value)
    except (TypeError, ValueError) as error:
        noun = "a whole number" if kind is int else "a number"
        raise UserError(f"{where} is {value!r}; it must be {noun}") from error
