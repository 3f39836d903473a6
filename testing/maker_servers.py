"""The images APIs of six makers on loopback: what each answers is data, how it misbehaves is a test's to say."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any

from testing.remote_servers import Answer, ScriptedHandler, a_png, parts_of_form, served

Body = Callable[[str], Any]
"""An answer's JSON, given the server's address."""

IMAGE = "/files/image.png"
TEXT = base64.b64encode(a_png()).decode()


def answer(body: Any, status: int = 200, **headers: str) -> Answer:
    """Return an answer with this JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(json.dumps(body).encode(), status, {"content-type": "application/json", **named})


@dataclass(frozen=True)
class Maker:
    """One maker's API.

    Attributes:
        model: one of its models; most: references that it takes.
        below: what stands behind host and port in the address of its API.
        key: the header with the key, and what it has.
        path, edit: that are asked without references, and with them.
        taken: the answer to a submission; where there are no jobs, the image.
        pending, done, result: of a job: its states, and what is asked for then if that is apart.
        refused: what is answered where the safety system refuses: to the submission, or as a job's end.
        failed: a job that failed.
        unpaid, wrong_key: to the submission.
        status: a path that tells of the job; cancel: method and path that call it off.
        probe: a path that takes the key and draws nothing.
    """

    model: str
    most: int
    key: tuple[str, str]
    path: str
    taken: Body
    refused: Answer
    unpaid: Answer
    wrong_key: Answer
    edit: str = ""
    below: str = ""
    pending: Any = None
    done: Body | None = None
    result: Body | None = None
    failed: Any = None
    status: str = ""
    cancel: tuple[str, str] | None = None
    probe: str = ""

    @property
    def has_jobs(self) -> bool:
        """Whether it answers with a job."""
        return self.done is not None


MAKERS = {
    "bfl": Maker(
        "flux-2-pro", 8, ("x-key", "{key}"), "/v1/flux-2-pro",
        taken=lambda url: {"id": "j1", "polling_url": f"{url}/v1/get_result?id=j1", "cost": 3.0},
        pending={"id": "j1", "status": "Pending", "result": None},
        done=lambda url: {"id": "j1", "status": "Ready", "result": {"sample": url + IMAGE, "seed": 1}},
        refused=answer({"id": "j1", "status": "Request Moderated", "result": None}),
        failed={"id": "j1", "status": "Error", "error": "out of memory"},
        unpaid=answer({"detail": "Insufficient credits"}, 402),
        wrong_key=answer({"detail": "Not authenticated - Invalid Authentication"}, 403),
        status="/v1/get_result", probe="/v1/credits",
    ),
    "fal": Maker(
        "fal-ai/flux-2-pro", 8, ("authorization", "Key {key}"), "/fal-ai/flux-2-pro", edit="/fal-ai/flux-2-pro/edit",
        taken=lambda url: {
            "status": "IN_QUEUE", "request_id": "j1", "queue_position": 0,
            **{f"{kind}_url": f"{url}/fal-ai/flux-2-pro/requests/j1{path}"
               for kind, path in (("response", ""), ("status", "/status"), ("cancel", "/cancel"))},
        },
        pending={"status": "IN_PROGRESS"},
        done=lambda url: {"status": "COMPLETED"},
        result=lambda url: {"images": [{"url": url + IMAGE}], "seed": 1, "has_nsfw_concepts": [False]},
        refused=answer(
            {"detail": [{"loc": ["body", "prompt"], "msg": "The content was flagged by a content checker.",
                         "type": "content_policy_violation"}]}, 422),
        failed={"status": "COMPLETED", "error": "out of memory", "error_type": "runner_disconnected"},
        unpaid=answer({"detail": "User is locked. Reason: Exhausted balance. Top up your balance."}, 403),
        wrong_key=answer({"detail": "Cannot access application: authentication is required"}, 401),
        status="/fal-ai/flux-2-pro/requests/j1/status",
        cancel=("PUT", "/fal-ai/flux-2-pro/requests/j1/cancel"),
    ),
    "replicate": Maker(
        "black-forest-labs/flux-2-pro", 8, ("authorization", "Bearer {key}"),
        "/v1/models/black-forest-labs/flux-2-pro/predictions",
        taken=lambda url: {
            "id": "j1", "status": "starting", "output": None, "error": None,
            "urls": {"get": f"{url}/v1/predictions/j1", "cancel": f"{url}/v1/predictions/j1/cancel"},
        },
        pending={"id": "j1", "status": "processing", "output": None, "error": None},
        done=lambda url: {"id": "j1", "status": "succeeded", "output": [url + IMAGE], "error": None},
        refused=answer({"id": "j1", "status": "failed", "output": None, "error": "The input or output was flagged as "
                        "sensitive. Please try again with different inputs. (E005)"}),
        failed={"id": "j1", "status": "failed", "output": None, "error": "out of memory"},
        unpaid=answer({"title": "Insufficient credit", "detail": "You have insufficient credit.", "status": 402}, 402),
        wrong_key=answer({"title": "Unauthenticated", "detail": "You did not pass a valid token", "status": 401}, 401),
        status="/v1/predictions/j1",
        cancel=("POST", "/v1/predictions/j1/cancel"), probe="/v1/models/black-forest-labs/flux-2-pro",
    ),
    "together": Maker(
        "black-forest-labs/FLUX.2-pro", 8, ("authorization", "Bearer {key}"), "/v1/images/generations", below="/v1",
        probe="/v1/models",
        taken=lambda url: {"id": "i1", "object": "list", "data": [{"index": 0, "b64_json": TEXT, "type": "b64_json"}]},
        refused=answer({"error": {"message": "NSFW content detected", "type": "invalid_request_error"}}, 422),
        unpaid=answer({"error": {"message": "Credit limit exceeded", "type": "credit_limit"}}, 402),
        wrong_key=answer({"error": {"message": "Invalid API key", "type": "invalid_request_error"}}, 401),
    ),
    "stability": Maker(
        "ultra", 1, ("authorization", "Bearer {key}"), "/v2beta/stable-image/generate/ultra", probe="/v1/user/balance",
        taken=lambda url: {"image": TEXT, "finish_reason": "SUCCESS", "seed": 1},
        refused=answer({"id": "e", "name": "content_moderation", "errors": ["Your request was flagged."]}, 403),
        unpaid=answer({"id": "e", "name": "payment_required", "errors": ["You lack sufficient credits."]}, 402),
        wrong_key=answer({"id": "e", "name": "unauthorized", "errors": ["missing or invalid API key"]}, 401),
    ),
    "recraft": Maker(
        "recraftv3", 1, ("authorization", "Bearer {key}"), "/v1/images/generations", edit="/v1/images/imageToImage",
        below="/v1", probe="/v1/users/me",
        taken=lambda url: {"created": 1, "credits": 40, "data": [{"image_id": "i1", "b64_json": TEXT}]},
        refused=answer({"code": "content_policy_violation", "message": "the prompt is not allowed"}, 400),
        unpaid=answer({"code": "not_enough_credits", "message": "not enough credits"}, 400),
        wrong_key=answer({"code": "unauthorized", "message": "unauthorized"}, 401),
    ),
}  # fmt: skip
JOBS = tuple(prefix for prefix, maker in MAKERS.items() if maker.has_jobs)


@dataclass
class AskedOfMaker:
    """One request; ``headers`` by their names in lower case, ``fields`` of JSON or of a form."""

    method: str
    path: str
    headers: dict[str, str]
    fields: dict[str, Any] = field(default_factory=dict)
    files: list[bytes] = field(default_factory=list)


class MakerServer(ThreadingHTTPServer):
    """Answers as its maker does.

    Attributes:
        looks: at a job until it is done; negative for one that never is.
        submit: answers to submissions, one after the other, before the maker's own; an ``Event`` is waited for first.
        poll: likewise, to questions for the job.
        end: the answer in place of a job that is done. result: in place of what it made.
        asked: all requests; polled: set once a job was asked for.
        submitting: set while a submission is held back.
    """

    daemon_threads = True

    def __init__(self, prefix: str) -> None:
        super().__init__(("127.0.0.1", 0), _Maker)
        self.maker = MAKERS[prefix]
        self.root = f"http://127.0.0.1:{self.server_address[1]}"
        self.name = f"{prefix}:{self.maker.model}@{self.root}{self.maker.below}"
        self.looks = 1
        self.submit: list[Answer | threading.Event] = []
        self.poll: list[Answer] = []
        self.end: Answer | None = None
        self.result: Answer | None = None
        self.asked: list[AskedOfMaker] = []
        self.polled, self.submitting = threading.Event(), threading.Event()

    def refuse(self) -> None:
        """Refuse the next submission as its maker's safety system does."""
        if self.maker is MAKERS["fal"]:  # which says so in place of what was made
            self.result = self.maker.refused
        elif self.maker.has_jobs:
            self.end = self.maker.refused
        else:
            self.submit.append(self.maker.refused)

    @property
    def submissions(self) -> list[AskedOfMaker]:
        """Requests that ask for a drawing."""
        return [asked for asked in self.asked if asked.path in (self.maker.path, self.maker.edit)]

    @property
    def called_off(self) -> bool:
        """Whether the job was called off as its maker has it."""
        return any((asked.method, asked.path) == self.maker.cancel for asked in self.asked)

    def answer_to(self, asked: AskedOfMaker) -> Answer:
        """Return the answer to a request."""
        maker = self.maker
        path = asked.path.partition("?")[0]
        if path == IMAGE:
            return Answer(a_png("blue"), headers={"content-type": "image/png"})
        if path == maker.probe:
            known = asked.headers.get(maker.key[0]) != maker.key[1].format(key="wrong")
            return answer({}) if known else maker.wrong_key
        if path in (maker.path, maker.edit):
            while self.submit:
                if isinstance(first := self.submit.pop(0), Answer):
                    return first
                self.submitting.set()
                first.wait(20)
            return answer(maker.taken(self.root), 201 if maker.has_jobs else 200)
        if (asked.method, path) == maker.cancel:
            return answer({"status": "CANCELLATION_REQUESTED"}, 202)
        if path == maker.status and maker.done is not None:
            self.polled.set()
            if self.poll:
                return self.poll.pop(0)
            if self.looks:
                self.looks -= 1
                return answer(maker.pending)
            return self.end or answer(maker.done(self.root))
        if maker.result is not None and path == maker.status.removesuffix("/status"):
            return self.result or answer(maker.result(self.root))
        return answer({"detail": f"nothing at {path}"}, 404)


class _Maker(ScriptedHandler):
    server: MakerServer

    def _asked(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        asked = AskedOfMaker(self.command, self.path, headers)
        kind = headers.get("content-type", "")
        if kind.startswith("multipart/form-data"):
            for part, content in parts_of_form(kind, body):
                if part.get_filename():
                    asked.files.append(content)
                else:
                    asked.fields[str(part.get_param("name", header="content-disposition"))] = content.decode()
        elif body:
            asked.fields = json.loads(body)
        self.server.asked.append(asked)
        self._answer(self.server.answer_to(asked))

    do_GET = do_POST = do_PUT = _asked


@contextmanager
def maker_server(prefix: str) -> Iterator[MakerServer]:
    """Serve until the block ends."""
    with served(MakerServer(prefix)) as server:
        yield server
