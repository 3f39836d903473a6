"""Answers that tell of a job in place of an image."""

import base64
import json
from typing import Any

import pytest

from imagerag.errors import Cancelled, DrawingRefused, InvalidArgument, UserError
from imagerag.generators.base import DrawControl, DrawRequest
from imagerag.generators.remote import job_polling
from imagerag.generators.remote.jobs import job_address, job_in
from imagerag.generators.remote.openai_images import OpenAIImages
from testing.remote_servers import Answer, ImagesServer, a_png, images_server

TEXT = base64.b64encode(a_png()).decode()
FAL = {
    "status": "IN_QUEUE",
    "request_id": "r1",
    "response_url": "https://queue.example/r1",
    "status_url": "https://queue.example/r1/status",
}
JOBS: list[tuple[int, Any, str]] = [
    (202, {"id": "job-1", "status": "pending"}, "status 'pending', id 'job-1'"),
    (200, {"id": "job-1", "status": "queued"}, "status 'queued', id 'job-1'"),
    (200, {"id": "a", "polling_url": "https://api.example/a"}, "HTTP status 200, id 'a', 'https://api.example/a'"),
    (201, {"id": "x", "status": "starting", "urls": {"get": "https://api.example/x"}, "output": None},
     "status 'starting', id 'x', 'https://api.example/x'"),
    (200, FAL, "status 'IN_QUEUE', id 'r1', 'https://queue.example/r1/status'"),
    (200, {"output": {"task_status": "PENDING", "task_id": "t"}, "request_id": "q"}, "status 'PENDING', id 't'"),
    (200, {"code": 200, "data": [{"status": "submitted", "task_id": "t1"}]}, "status 'submitted', id 't1'"),
    (200, {"code": 200, "msg": "success", "data": {"taskId": "abc"}}, "HTTP status 200, id 'abc'"),
    (200, {"id": "1", "status": "in_progress", "url": "https://api.example/jobs/1"}, "status 'in_progress', id '1'"),
    (202, {}, "HTTP status 202"),
    (202, None, "HTTP status 202"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "told"), JOBS)
def test_a_job_is_told_of_in_words(status: int, body: Any, told: str) -> None:
    assert job_in(status, body) == told


def test_the_address_that_a_job_is_asked_for_at() -> None:
    assert job_address(FAL) == "https://queue.example/r1/status"
    assert job_address({"urls": {"get": "/x", "cancel": "/c"}}) == "/x"
    assert job_address({"id": "1", "status": "queued", "polling_url": 5}) == ""


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"data": [{"b64_json": TEXT}]}),
        (202, {"data": [{"b64_json": TEXT}]}),
        (200, {"id": "a", "status": "completed", "data": [{"url": "https://example.org/a.png"}]}),
        (200, {"task_id": "t", "task_status": "SUCCESS", "images": ["https://example.org/a.png"]}),
        (200, {"status": "processing", "data": [{"url": "https://example.org/a.png"}]}),
        (200, {"id": "a", "status": "failed", "error": "out of memory"}),
        (202, {"status": 503}),
        (200, {"id": "a", "status": "completed", "data": []}),
        (200, {"data": [{"b64_json": "no base64!"}]}),
        (200, None),
    ],
)
def test_an_image_or_a_failure_is_no_job(status: int, body: Any) -> None:
    assert job_in(status, body) is None


@pytest.mark.parametrize(("status", "body"), [(status, body) for status, body, _ in JOBS])
def test_the_person_is_told_once_what_to_give_instead(status: int, body: Any) -> None:
    sent = b"" if body is None else json.dumps(body).encode()
    with (
        images_server(lambda number: Answer(sent, status)) as server,
        pytest.raises(UserError, match=r"answers with a job .* no address of its own .* give its address that waits"),
    ):
        OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))
    assert len(server.asked) == 1, "another try would begin another job"


class TestAtItsOwnAddress:
    """A job whose address is the server's own is asked for until it is done."""

    @pytest.fixture(autouse=True)
    def quick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(job_polling, "FIRST_PAUSE", 0.01)

    @staticmethod
    def taken(server: ImagesServer) -> Answer:
        root = server.url.removesuffix("/v1")
        return Answer(json.dumps({"id": "1", "status": "queued", "status_url": f"{root}/v1/jobs/1"}).encode(), 202)

    @pytest.mark.parametrize(
        "done",
        [
            {"id": "1", "status": "completed", "data": [{"b64_json": TEXT}]},
            {"id": "1", "status": "succeeded", "output": ["data:image/png;base64," + TEXT]},
        ],
    )
    def test_it_is_waited_for(self, done: Any) -> None:
        bodies = [{"id": "1", "status": "queued"}, {"id": "1", "status": "processing", "progress": 50}, done]
        with images_server(lambda number: self.taken(server)) as server:
            server.files = lambda path: Answer(json.dumps(bodies[len(server.paths) - 1]).encode())
            (drawing,) = OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))
        assert drawing.image.getpixel((3, 3)) == (255, 0, 0)
        assert server.paths == ["/v1/jobs/1"] * 3
        assert set(server.fetched) == {"Bearer sk-of-the-server"}
        assert len(server.asked) == 1

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            ({"id": "1", "status": "failed", "error": {"message": "out of memory"}}, InvalidArgument),
            ({"id": "1", "status": "failed", "error": {"code": "content_policy_violation"}}, DrawingRefused),
        ],
    )
    def test_it_fails(self, body: Any, kind: type[Exception]) -> None:
        with images_server(lambda number: self.taken(server)) as server:
            server.files = lambda path: Answer(json.dumps(body).encode())
            with pytest.raises(kind):
                OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))
        assert len(server.asked) == 1

    def test_it_never_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(job_polling, "LONGEST_JOB", 0.05)
        with images_server(lambda number: self.taken(server)) as server:
            server.files = lambda path: Answer(b'{"id": "1", "status": "processing"}')
            with pytest.raises(InvalidArgument, match="a job that is not done after"):
                OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))

    def test_a_cancel_ends_the_wait(self) -> None:
        def check() -> None:
            if server.paths:
                raise Cancelled

        with images_server(lambda number: self.taken(server)) as server:
            server.files = lambda path: Answer(b'{"id": "1", "status": "processing"}')
            with pytest.raises(Cancelled):
                OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)), DrawControl(stop_check=check))
