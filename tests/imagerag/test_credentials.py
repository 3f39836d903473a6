"""Credentials in addresses reach nothing that is told, stored or sent on."""

import json
import logging
import time
from pathlib import Path

import pytest

from imagerag.cli.main import run
from imagerag.credentials import credentials_in, keys_in, without_credentials, without_query
from imagerag.errors import InvalidArgument, UserError, first_line
from testing.openai_server import Reply, serving
from testing.remote_servers import images_server

CANARIES = ("user-canary", "pass-canary", "query-canary")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("openai:m@http://u:p@host:1/v1?k=KEY", "openai:m@http://host:1/v1?k=[hidden]"),
        ("https://token@host", "https://host"),
        ("http://u:p@[::1]:80/a", "http://[::1]:80/a"),
        ("http://u:p@q@host/a", "http://host/a"),
        ("http://u:p?q@host/a", "http://host/a"),
        ("http://u:p/q@host/a", "http://host/a"),
        ("a.json@http://host/x?a=1&key=2#z", "a.json@http://host/x?a=[hidden]&key=[hidden]#z"),
        ("http://host/?KEY", "http://host/?[hidden]"),
        ("'http://u:p@a' and (https://u:p@b/c?d=e), end", "'http://a' and (https://b/c?d=[hidden]), end"),
        ("ftp://u:p@host http://plain/a@b", "ftp://host http://plain/a@b"),
        ("http://host.example:80/a@b/c.png", "http://host.example:80/a@b/c.png"),
        ("http://127.0.0.1:8188/a@b/c.png", "http://127.0.0.1:8188/a@b/c.png"),
        ("http://localhost:8188/a@b [::1] http://[::1]:80/a@b", "http://localhost:8188/a@b [::1] http://[::1]:80/a@b"),
        ("http://user:1234/ss@host", "http://host"),
        ("m@http://user:12/3/4@host:80/v1?k=v", "m@http://host:80/v1?k=[hidden]"),
        ("http://host/cb#access_token=T&state=s", "http://host/cb#access_token=[hidden]&state=[hidden]"),
        ("http://host#access_token=T", "http://host#access_token=[hidden]"),
        ("http://host/a?k=v#id_token=T.t", "http://host/a?k=[hidden]#id_token=[hidden]"),
        ("http://host/a#/b?c=T", "http://host/a#/b?c=[hidden]"),
        ("http://host/a#chapter-2", "http://host/a#chapter-2"),
        ("someone@example.org and a?b=c", "someone@example.org and a?b=c"),
        ("patchwork", "patchwork"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [hidden]"),
        ("{'authorization': 'Bearer abcdefghij'}", "{'authorization': 'Bearer [hidden]'}"),
        ('"x-api-key": "abcdefgh", api_key=abcdefgh', '"x-api-key": "[hidden]", api_key=[hidden]'),
        (
            "api_key=abc, 'X-Api-Key': 'k', password: p; PASSWD=1",
            "api_key=[hidden], 'X-Api-Key': '[hidden]', password: [hidden]; PASSWD=[hidden]",
        ),
        ('{"access_token": "ab", "password": "two words"}', '{"access_token": "[hidden]", "password": "[hidden]"}'),
        ('{\\"client_secret\\": \\"ab\\"}', '{\\"client_secret\\": \\"[hidden]\\"}'),
        (
            "OPENAI_API_KEY=abc MY_TOKEN_2=x hf_token: y",
            "OPENAI_API_KEY=[hidden] MY_TOKEN_2=[hidden] hf_token: [hidden]",
        ),
        (
            "GET /v1?key=ab&sig=c token=d secret = e",
            "GET /v1?key=[hidden]&sig=[hidden] token=[hidden] secret = [hidden]",
        ),
        ("Authorization: abc, authorization=Token x", "Authorization: [hidden], authorization=Token [hidden]"),
        (
            "api_key=None, password: null, 'token': 'yes', max_tokens: 5, key=len, token: x",
            "api_key=None, password: null, 'token': 'yes', max_tokens: 5, key=len, token: x",
        ),
        ("api_key == other, no password, the API key: expired", "api_key == other, no password, the API key: expired"),
        ("it sent Bearer abc123def and Basic photography", "it sent Bearer [hidden] and Basic photography"),
        ("Incorrect API key provided: sk-abcdefghijklmnop.", "Incorrect API key provided: [hidden]."),
        ("hf_abcdefghijklmnopqrst and AIzaSyabcdefghijklmnopqrst", "[hidden] and [hidden]"),
        ("proxy user:word@proxy:8080 refused", "proxy proxy:8080 refused"),
        ("//user:word@host/x and https:\\/\\/user:word@host\\/x", "host/x and https:\\/\\/host\\/x"),
        ("see http%3A%2F%2Fuser%3Aword%40host%2F", "see http%3A%2F%2Fhost%2F"),
        (
            "clip:ViT-B-32@openai, 12:30 @cafe:2020, openai:m@http://h:1",
            "clip:ViT-B-32@openai, 12:30 @cafe:2020, openai:m@http://h:1",
        ),
    ],
)
def test_credentials_are_taken_out_of_addresses_and_the_rest_stays(text: str, clean: str) -> None:
    assert without_credentials(text) == clean
    assert without_credentials(clean) == clean


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("openai:m@http://user:word@host/v1?k=KEY#t=FRAGMENT", {"user", "word", "user:word", "KEY", "FRAGMENT"}),
        ("http://token@host and https://host/?WHOLE", {"token", "WHOLE"}),
        ("http://user:12/3@host", {"user", "12", "3", "user:12/3"}),
        ("http://host/a?k=[hidden]", set()),
        ("comfyui:http://127.0.0.1:8188", set()),
        ("patchwork", set()),
    ],
)
def test_what_is_taken_out_is_known(text: str, secrets: set[str]) -> None:
    assert credentials_in(text) == secrets
    assert credentials_in(without_credentials(text)) == set()


ODD_NAMES = ("MY_APIKEY", "OPENAI_API_KEY_2", "PROD_TOKEN_EU", "db_password", "GITHUB_PAT", "CLIENT_SECRET_V2", "KEY")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_what_a_server_repeats_of_a_key_in_a_variable_is_told_to_nobody(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "canary-0f3a")
    assert str(UserError("the server says: no such key canary-0f3a")) == "the server says: no such key [hidden]"
    assert keys_in({name: "canary-0f3a"}) == {"canary-0f3a"}


def test_what_stands_for_a_key_in_our_own_advice_stays() -> None:
    assert without_credentials("export OPENAI_API_KEY=YOUR_KEY") == "export OPENAI_API_KEY=YOUR_KEY"
    assert without_credentials("OPENAI_API_KEY=YOUR_KEY_2") == "OPENAI_API_KEY=[hidden]"


def test_what_is_no_key_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "OPENAI_API_KEY": "ollama", "IMAGERAG_C2PA_KEY": "/keys/mine.pem", "MAX_TOKENS": "12345678",
        "KEYBOARD": "dvorak-programmer", "SERVER_KEY": "imagerag",
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    told = "ollama /keys/mine.pem 12345678 dvorak-programmer imagerag"
    assert without_credentials(told) == told


def test_the_password_of_a_proxy_is_told_in_no_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy-user:proxy-word@proxy.example:3128")
    monkeypatch.setenv("all_proxy", "other-user:other-word@proxy.example:1080")
    told = without_credentials("proxy-user, proxy-word, other-user:other-word and proxy.example:3128")
    assert told == "[hidden], [hidden], [hidden] and proxy.example:3128"


PIECES = (
    "!", "a:a@", "http://a", "%3A%2F%2F", "%41", "Bearer ", "authorization: ", "password:", 'api_key="', "token=",
    "eyJ", "sk-", "a:1@b:11 ",
)  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
def test_a_long_text_is_read_in_a_time_that_grows_with_its_length(piece: str) -> None:
    def seconds(length: int) -> float:
        text = "%3A%2F%2F@:" + piece * (length // len(piece))
        began = time.process_time()
        without_credentials(text)
        return time.process_time() - began

    assert seconds(80_000) < 20 * max(seconds(10_000), 0.005), "it has 8 times the length"


def test_what_an_address_leads_to_is_the_same_however_one_comes_in() -> None:
    given = "comfyui:a.json@http://u:p@host:1/x?token=K#f=1"
    assert without_query(given) == "comfyui:a.json@http://host:1/x" == without_query(without_credentials(given))


@pytest.mark.parametrize("kind", [UserError, InvalidArgument])
def test_no_error_tells_them(kind: type[Exception]) -> None:
    error = kind("'http://u:p@host?k=KEY' can't be used; check it")
    assert str(error) == "'http://host?k=[hidden]' can't be used; check it"
    assert first_line(OSError("no http://u:p@host")) == "no http://host"


def _with_canaries(url: str) -> str:
    user, password, query = CANARIES
    return f"{url.replace('://', f'://{user}:{password}@')}?key={query}"


@pytest.mark.slow
@pytest.mark.parametrize("fails", ["nothing", "generator", "vlm"])
def test_canaries_in_every_address_reach_no_output(
    fails: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "imagerag")
    draw = Reply(calls=[("generate", {"prompt": "an owl"})])
    script = [Reply("no", status=401)] if fails == "vlm" else [draw, Reply("done"), Reply("done")]
    with serving(script) as chat, images_server() as images:
        url = f"http://127.0.0.1:{images.server_address[1]}/v1"
        generator = f"openai:m@{_with_canaries(url).partition('?')[0]}"
        if fails == "generator":
            generator = f"openai:m@{_with_canaries('http://127.0.0.1:9/v1')}"
        arguments = ["--home", str(tmp_path / "home"), "--generator", generator, "--max-generations", "1"]
        arguments += ["--vlm", f"openai:scripted@{_with_canaries(chat.url)}", "--critic", "clip", "--json"]
        arguments += ["--out", str(tmp_path / "out"), "--html", str(tmp_path / "page.html")]
        arguments += ["--record", str(tmp_path / "run.jsonl"), "--max-seconds", "20", "an owl"]
        run(arguments)
    printed = capfd.readouterr()
    outputs = {"stdout": printed.out, "stderr": printed.err, "log": caplog.text}
    for file in (path for path in tmp_path.rglob("*") if path.is_file()):
        outputs[str(file)] = file.read_bytes().decode("latin-1")
    assert any(name.endswith("run.jsonl") for name in outputs)
    if fails == "nothing":
        assert any(name.endswith(".png") and "127.0.0.1" in text for name, text in outputs.items())
        assert json.loads(printed.out)["image"]
    leaks = [(name, text.find(one)) for name, text in outputs.items() for one in CANARIES if one in text]
    assert leaks == [], [outputs[name][max(0, at - 200) : at + 40] for name, at in leaks]
