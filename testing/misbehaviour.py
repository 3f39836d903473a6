"""Answers that models and servers give when they are not at their best, made from a seed."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from imagerag import tool_registry
from testing.openai_server import Call, Reply, Script

TOOLS = tuple(tool_registry.TOOLS)
PATIENCE = 0.3
"""Seconds after which the tests' clients give up on a server that says nothing; those that misbehave take twice as
long, or say a byte now and then without end."""
WORDS = ("owl", "Yes, but", "I can't help with that.", "{", "}", '"', "```json", "<tool_call>", "\x00")
ODD = ("\ud83e", "\u732b", "")


def tokens_in(request: dict[str, Any]) -> int:
    """Count the tokens of a request as a provider would: four bytes a token, and an image like 765."""
    text = json.dumps(request)
    components = text.split("data:image/png;base64,")
    pixels = sum(len(part.split('"')[0]) for part in components[1:])
    return (len(text) - pixels) // 4 + 765 * (len(components) - 1)


class Unsound(Reply):
    """An answer of a driver that is no sound end: a call left somewhere, whole or broken, or nothing at all."""


_CALL = json.dumps({"name": "generate", "arguments": {"prompt": "an owl"}})
_ARGUMENTS = json.dumps({"prompt": "an owl"})
_BAR, _GAP = "\uff5c", "\u2581"
TEXTS = (
    f"<tool_call>{_CALL}</tool_call>",
    f"<tool_call>{_CALL[:-1]}</tool_call>",
    f"<tool_call>{_CALL[:-2]},}}}}</tool_call>",
    f"<tool_call>{_CALL}".replace("an owl", "an\nowl"),
    f"<tool_call>{_CALL}</tool_call>".replace("an owl", "a sign </tool_call>"),
    f"<tool_call><tool_call>{_CALL}</tool_call></tool_call>",
    f"<tool_call>{_CALL}</tool_call>".replace('"', "'"),
    f"<tool_call>{_CALL[:-6]}",
    f"<tool_call>{_CALL[:-6]}</tool_call>",
    f"Sure, I draw that: {_CALL}",
    f"{_CALL} Shall I?",
    f"Sure: {_CALL[:-6]}",
    "<tool_call><function=generate><parameter=prompt>an owl</parameter></tool_call>",
    "<tool_call><function=generate><parameter=prompt>an owl<parameter=seed>7</parameter></function></tool_call>",
    "<tool_call><function=generate><parameter=prompt>an ow",
    f"<|tool_calls_begin|><|tool_call_begin|>generate<|tool_sep|>{_ARGUMENTS}<|tool_call_end|>".replace(
        "|", _BAR
    ).replace("tool_", f"tool{_GAP}"),
    '<|DSML|invoke name="generate"><|DSML|parameter name="prompt" string="true">an owl</|DSML|parameter>'.replace(
        "|", _BAR
    ),
    f"<|tool_call_begin|>functions.generate:0<|tool_call_argument_begin|>{_ARGUMENTS}<|tool_call_end|>",
    f"<|channel|>commentary to=functions.generate <|constrain|>json<|message|>{_ARGUMENTS}<|call|>",
    "<tool_call>generate<arg_key>prompt</arg_key><arg_value>an owl</arg_value></tool_call>",
    'default_api.generate(prompt="an owl")',
    'print(default_api.generate(prompt="an owl"',
    f"<think>I could <tool_call>{_CALL}</tool_call>",
    f"<think>{'owl ' * 2000}</think><tool_call>{_CALL}</tool_call>",
    _CALL.replace('"', r"\"")[:-1],
    f"&lt;tool_call&gt;{_CALL}&lt;/tool_call&gt;",
    "tool: generate\narguments:\n  prompt: an owl",
    'genrate(prompt="an owl")',
    f"<tool_call>{_CALL}</tool_call>".replace("an owl", "<prompt>"),
    "<tool_call><function=generate><parameter=prompt>an owl </tool_call> at sea</parameter></function></tool_call>",
    "<|channel|>analysis<|message|>I draw.<|end|><|start|>assistant<|channel|>",
    "",
    " ",
)
"""What drivers leave in their text."""

FINISHED = ("malformed_function_call", "MALFORMED_FUNCTION_CALL", "content_filter", "length", "error", "stop")

VERDICTS = (
    "<think>{0}</think>{1}", "{0}</think>{1}", "{0} No: {1}", "For example {0}. Mine: {1}", "<think>{0}",
    '{{"note": 1}} {1}', "{1}<think>{0}</think>",
)  # fmt: skip
"""Where verdicts stand: the first is a draft, or only thought."""

PRICE = (2.0, 8.0)
"""US dollars per million tokens that the provider asks, of questions and answers."""


class Tally:
    """What a provider would put on the bill: what it has read and said, lost on the way or not.

    Attributes:
        tokens: read and said.
        money: US dollars for them.
        last: what the driver has answered last.
    """

    def __init__(self) -> None:
        self.tokens = 0
        self.last: Reply | None = None
        self.money = 0.0

    def charged(self, script: Script) -> Script:
        """Return the script with every answer cut to the length allowed, counted, and its usage told (or not)."""

        def answer(request: dict[str, Any], number: int) -> Reply:
            reply = script(request, number)
            if "You make images by calling tools" in json.dumps(request["messages"]):
                self.last = reply
            if reply.status != 200:
                return reply
            most = request.get("max_completion_tokens") or request.get("max_tokens") or 10**9
            calls = list(reply.calls)
            while calls and _length(None, calls) > most:
                calls.pop()
            text = (reply.text or "")[: 4 * max(most - _length(None, calls), 0)] if reply.text else reply.text
            asked, answered = tokens_in(request), min(_length(text, calls), most)
            self.tokens += asked + answered
            self.money += (asked * PRICE[0] + answered * PRICE[1]) / 1e6
            usage = None if reply.usage is None else (asked, answered)
            return replace(reply, calls=calls, text=text, usage=usage)

        return answer


def _length(text: str | None, calls: list[Call]) -> int:
    return len(text or "") // 4 + sum(len(json.dumps(call)) // 4 + 8 for call in calls)


def misbehaving(seed: int) -> Script:
    """Return a server's script that mixes good answers with bad ones."""
    chance = random.Random(seed)
    share = chance.choice((0.2, 0.5, 0.9, 1.0))

    def script(request: dict[str, Any], number: int) -> Reply:
        return _bad(chance) if chance.random() < share else _good(chance, request)

    return script


def _good(chance: random.Random, request: dict[str, Any]) -> Reply:
    if "response_format" in request:
        present = chance.random() < 0.3
        concept = {"concept": "owl", "kind": "content", "present": present, "confidence": 0.9}
        return Reply(json.dumps({"concepts": [concept], "matches": present}))
    calls: tuple[Call, ...] = (
        ("generate", {"prompt": "an owl"}),
        ("search_references", {"captions": [{"concept": "owl", "caption": "an owl"}]}),
        ("regenerate_with_references", {"prompt": "an owl", "reference_ids": ["ref-1"]}),
        ("inspect_image", {"image_id": "image-1"}),
    )
    return Reply(calls=[chance.choice(calls)])


def _bad(chance: random.Random) -> Reply:
    kinds: tuple[Callable[[], Reply], ...] = (
        lambda: Reply(_text(chance), usage=chance.choice((None, (1, 1)))),
        lambda: Reply("owl " * chance.choice((100, 60_000))),
        lambda: Reply("{" * chance.choice((10, 3000))),
        lambda: Reply(None, extra={"refusal": "I can't help with that."}),
        lambda: Reply(calls=[(chance.choice((*TOOLS, "paint", "")), _arguments(chance)) for _ in range(_few(chance))]),
        lambda: Reply(_text(chance), calls=[(chance.choice(TOOLS), _text(chance))]),
        lambda: Reply(json.dumps({"concepts": _value(chance, 3), "matches": _value(chance, 0)})),
        lambda: Reply(
            json.dumps({"concepts": [{"concept": "owl", "present": False, "confidence": 1}], "matches": True})
        ),
        lambda: Reply("an owl", cut=chance.random()),
        lambda: Reply(body=chance.choice((b"", b"{}", b"[]", b"null", b"<html>", b'{"choices": [{}]}', b"\xff\xfe"))),
        lambda: Reply(status=chance.choice((500, 502, 503, 408))),
        lambda: Reply(status=429, headers={"Retry-After": chance.choice(("0", "0.01", "soon", "-1", "nan"))}),
        lambda: _refusal(chance),
        lambda: Reply("an owl", delay=2 * PATIENCE),
        lambda: Unsound(chance.choice(TEXTS)),
        lambda: Unsound(chance.choice(TEXTS)),
        lambda: Unsound(chance.choice(("", None)), finish=chance.choice(FINISHED)),
        lambda: Unsound(None, extra={"reasoning_content": chance.choice(TEXTS) + chance.choice(("", " Or not?"))}),
        lambda: Unsound(None, extra={"tool_calls": [_odd_call(chance)]}, finish="tool_calls"),
        lambda: Reply(chance.choice(VERDICTS).format(_verdict(chance), _verdict(chance))),
        lambda: Reply("owl " * 400, drip=chance.choice((1e-4, 1e-4, 1e-4, PATIENCE / 10))),
    )
    return chance.choice(kinds)()


def _odd_call(chance: random.Random) -> dict[str, Any]:
    """Return a call whose arguments came as an object, encoded twice, or with a mistake."""
    whole: Any = {"prompt": "an owl"}
    given = (whole, json.dumps(_ARGUMENTS), str(whole), _ARGUMENTS[:-1], _ARGUMENTS[:-3], f"{_ARGUMENTS[:-1]},}}", None)
    function = {"name": chance.choice(("generate", "functions.generate")), "arguments": chance.choice(given)}
    return {"id": "call_0", "type": "function", "function": function}


def _verdict(chance: random.Random) -> str:
    present = chance.random() < 0.5
    concept = {"concept": "owl", "kind": "content", "present": present, "confidence": 0.9}
    return json.dumps({"concepts": [concept], "matches": present})


def _refusal(chance: random.Random) -> Reply:
    """Return a status with which servers refuse what their model can't take, in the words of one of them."""
    message, code, status = chance.choice(
        (
            ("registry.ollama.ai/library/gemma3:4b does not support tools", None, 400),
            ("tools param requires --jinja flag", None, 500),
            ("Failed to call a function. Please adjust your prompt.", "tool_use_failed", 400),
            ("This model's maximum context length is 8192 tokens.", "context_length_exceeded", 400),
            ("'response_format' of type 'json_schema' is not supported", None, 400),
            ("No endpoints found that support tool use", None, 404),
            ("Your request was rejected by the safety system", "moderation_blocked", 400),
            ("Conversation roles must alternate user/assistant/user/assistant/...", None, 422),
        )
    )
    error = {"message": message, "type": "invalid_request_error", "code": code}
    return Reply(status=status, body=json.dumps({"error": error}).encode())


def _few(chance: random.Random) -> int:
    return chance.choice((1, 1, 2, 3, 40))


def _text(chance: random.Random) -> str:
    return " ".join(chance.choice(WORDS + ODD) for _ in range(chance.randrange(8)))


def _arguments(chance: random.Random) -> Any:
    names = ("prompt", "seed", "image_id", "concepts", "per_concept", "captions", "k", "reference_ids", "image_id")
    chosen = chance.sample(names, chance.randrange(len(names)))
    return {name: _value(chance, 2) for name in chosen} | {"reference_scale": _value(chance, 0)}


def _value(chance: random.Random, depth: int) -> Any:
    plain: list[Any] = [None, True, -1, 0, 3, 2**70, 0.5, 1e308, "", "an owl", "image-1", "ref-1", "../../etc/passwd"]
    plain += ["http://127.0.0.1/x.png", "x" * 5000]
    if depth and chance.random() < 0.5:
        if chance.random() < 0.5:
            return [_value(chance, depth - 1) for _ in range(chance.randrange(4))]
        return {name: _value(chance, depth - 1) for name in ("concept", "caption", "present", "confidence")}
    return chance.choice(plain)
