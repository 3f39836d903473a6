"""A chat model that gives the answers of a recorded run again, offline: ``replay:FILE``."""

import json
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatResult
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr

from imagerag.chat_models.images import TAG
from imagerag.chat_models.recording import VERSION, Request, Role
from imagerag.errors import BudgetExceeded, Cancelled, UserError
from imagerag.regular_files import read_regular_text

PREFIX = "replay:"


class RecordedFailure(Exception):
    """An attempt that failed when it was recorded.

    Attributes:
        lasting, status_code: as they were then.
    """

    def __init__(self, why: str, *, lasting: bool, status: int | None) -> None:
        super().__init__(why)
        self.lasting = lasting
        self.status_code = status


class RecordingPlayer:
    """The runs of a recording; every run that plays it has a place of its own in it, per role.

    Raises:
        UserError: the file can't be read, or is no recording.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._lock = threading.Lock()
        self._playing: dict[str, int] = {}
        self._places: dict[tuple[str, Role], int] = {}
        self.runs: list[dict[str, Any]] = []
        self.exchanges: dict[int, list[dict[str, Any]]] = {}
        try:
            lines = [json.loads(line) for line in read_regular_text(file).splitlines() if line.strip()]
            for line in lines:
                if "exchange" in line:
                    _check(line)
                    self.exchanges.setdefault(line["run"], []).append(line)
                else:
                    self.runs.append(line)
            if not self.runs or any(
                line["version"] != VERSION or not isinstance(line["run"], int) for line in self.runs
            ):
                raise ValueError("no run of this version")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"recording {file!r} can't be read ({error}); give one that --record has written"
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UserError(
                f"{file!r} is not a recording that this version can play; give one that --record has written"
            ) from error

    def begin(self, run: str, turn: int) -> dict[str, Any]:
        """Put a run at the beginning of the first recorded run of that turn, and return what that was asked for.

        Raises:
            UserError: no such turn was recorded.
        """
        for recorded in self.runs:
            if recorded.get("turn") == turn:
                self._playing[run] = recorded["run"]
                return recorded
        has = ", ".join(str(recorded.get("turn")) for recorded in self.runs)
        raise UserError(f"recording {self.file!r} has no turn {turn} of a conversation, only {has}; begin a new thread")

    def has(self, role: Role) -> bool:
        """Tell whether a model was asked in that role."""
        return any(exchange["role"] == role for of_run in self.exchanges.values() for exchange in of_run)

    def model_of(self, role: Role) -> str:
        """Return the name of the model that answered in that role.

        Raises:
            UserError: none did.
        """
        for of_run in self.exchanges.values():
            for exchange in of_run:
                if exchange["role"] == role:
                    return str(exchange["model"])
        flag = "critic" if role == "critic" else "vlm"
        raise UserError(f"recording {self.file!r} has no exchange with a {role}; leave --{flag} {PREFIX}... out")

    def next(self, run: str, role: Role, request: Request) -> dict[str, Any]:
        """Return the next exchange of that role.

        Raises:
            UserError: there is none, or it was recorded for another request.
        """
        with self._lock:
            place = self._places.get((run, role), 0)
            self._places[run, role] = place + 1
        playing = self._playing.get(run, self.runs[0]["run"])
        of_role = [exchange for exchange in self.exchanges.get(playing, ()) if exchange["role"] == role]
        if place >= len(of_role):
            raise UserError(
                f"recording {self.file!r} has {len(of_role)} exchanges with the {role}, and this run asks for another; "
                "the recorded run ended there, so a limit or a setting differs"
            )
        exchange = of_role[place]
        if exchange["request"]["digest"] != request.digest:
            raise UserError(
                f"exchange {exchange['exchange']} of recording {self.file!r} ({role}) was another request: "
                f"{_difference(exchange['request'], request)}; replay with the recorded prompt, settings and version"
            )
        return exchange


@lru_cache(maxsize=8)
def open_recording(file: str) -> RecordingPlayer:
    """Return this process's one player of that recording.

    Raises:
        UserError: the file can't be read, or is no recording.
    """
    return RecordingPlayer(file)


def is_replay(name: str) -> bool:
    """Tell whether a model's name means a recording."""
    return name.startswith(PREFIX)


class ReplayModel(BaseChatModel):
    """Stands where the recorded model stood; ``imagerag.chat_models.client.ask`` takes its answers."""

    file: str
    role: Role = "driver"
    _tape: RecordingPlayer = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        """Read the recording, and take the recorded model's name, whose price counts."""
        super().model_post_init(context)
        self._tape = open_recording(self.file)
        self.metadata = {TAG: self._tape.model_of(self.role)}

    @property
    def _llm_type(self) -> str:
        return "replay"

    def play(self, run: str, role: Role, request: Request) -> Callable[..., AIMessage]:
        """Return a call that ends as the recorded one did.

        Raises:
            UserError: nothing was recorded for that request here.
        """
        exchange = self._tape.next(run, role, request)

        def call(messages: Sequence[BaseMessage], **settings: Any) -> AIMessage:
            outcome = _outcome(exchange)
            if isinstance(outcome, AIMessage):
                return outcome
            raise outcome

        return call

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[LanguageModelInput, AIMessage]:
        """Return the model as it is: the recorded answers know their tools."""
        return self.bind()

    def with_structured_output(self, schema: Any, **kwargs: Any) -> Runnable[LanguageModelInput, Any]:
        """Return the model as it is: the recorded answers have their shape."""
        return self.bind()

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise UserError(f"recording {self.file!r} plays in a run of imagerag only, not as a chat model by itself")


def _check(exchange: dict[str, Any]) -> None:
    """Refuse an exchange that can't be played.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: something of it is missing, or of another kind.
    """
    request = exchange["request"]
    texts = (exchange["role"], exchange["model"], request["digest"])
    if not all(isinstance(text, str) for text in texts) or not isinstance(request["messages"], list):
        raise TypeError("an exchange's request is none")
    _outcome(exchange)


def _outcome(exchange: dict[str, Any]) -> AIMessage | Exception:
    """Return the answer of an exchange, or the error with which it ended.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it has neither.
    """
    match exchange:
        case {"answer": dict(answer)}:
            return AIMessage(**{"content": "", **answer})
        case {"failure": {"why": str(why), "lasting": bool(lasting), "status": int() | None as status}}:
            return RecordedFailure(why, lasting=lasting, status=status)
        case {"ended": "cancelled"}:
            return Cancelled("the recorded run was cancelled")
    kind, used, limit = exchange["ended"]
    return BudgetExceeded(kind, float(used), float(limit))


def _difference(recorded: dict[str, Any], request: Request) -> str:
    """Say what differs first, in a few words."""
    before, now = recorded["messages"], json.loads(json.dumps(request.messages, default=str))
    for number, (old, new) in enumerate(zip(before, now, strict=False), 1):
        if old != new:
            return f"message {number} was {_around(old, new)} and is {_around(new, old)}"
    if len(before) != len(now):
        return f"it had {len(before)} messages and has {len(now)}"
    return "its tools, its schema or a key in its words differ"


def _around(this: Any, other: Any) -> str:
    """Return the piece of a message in which it begins to differ from the other."""
    mine, others = (json.dumps(value, ensure_ascii=False, sort_keys=True) for value in (this, other))
    same = next((k for k, (a, b) in enumerate(zip(mine, others, strict=False)) if a != b), min(len(mine), len(others)))
    return repr(mine[max(same - 20, 0) : same + 40])
