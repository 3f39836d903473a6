"""Answers of the makers' APIs that are none of theirs: whatever they say, one of our errors comes of it."""

import json
from contextlib import suppress
from typing import Any

import pytest

from imagerag.errors import InvalidArgument, UserError
from imagerag.generators.remote.bfl_images import BflImages
from imagerag.generators.remote.calling import Reply, TransientError
from imagerag.generators.remote.fal_images import FalImages
from imagerag.generators.remote.job_polling import JobsApi, amount
from imagerag.generators.remote.replicate_images import ReplicateImages

BODIES: list[Any] = [
    None, [], "text", 7, {}, {"urls": []}, {"urls": "x"}, {"urls": {"get": None}}, {"urls": {"get": []}},
    {"polling_url": 5}, {"polling_url": "http://["}, {"status_url": {}, "response_url": 1, "cancel_url": []},
    {"status": "Ready", "result": []}, {"status": "Ready", "result": {"sample": {}}}, {"status": "COMPLETED"},
    {"images": {}}, {"images": [[]]}, {"images": ["x"]}, {"images": [{"url": None}]}, {"image": "x"},
    {"status": "succeeded", "output": {}}, {"status": "succeeded", "output": [None]}, {"status": {"a": 1}},
    {"cost": 10**400, "polling_url": "/x"}, {"cost": True}, {"cost": -1}, {"cost": float("nan"), "polling_url": "/x"},
    {"error": {"message": "no"}}, {"error": [1, 2]}, {"detail": [{"loc": 1, "msg": None}]},
]  # fmt: skip

NO_AMOUNTS: list[Any] = [None, "3", -1, float("nan"), float("inf"), 10**400, [], True]


@pytest.mark.parametrize("kind", [BflImages, FalImages, ReplicateImages])
@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body)[:60])
def test_nothing_else_is_raised(kind: type[JobsApi], body: Any) -> None:
    made = kind("m@http://127.0.0.1:9")
    reply = Reply(200, "application/json", json.dumps(body).encode())

    def accepted() -> object:
        return made._accepted(reply)

    def told() -> object:
        return made._is_done(made._body(reply))

    def drawn() -> object:
        return made._read(made._body(reply)), made._usage(made._body(reply))

    for read in (accepted, told, drawn):
        with suppress(TransientError, InvalidArgument, UserError):
            read()


@pytest.mark.parametrize(
    "value", [None, "3", -1, float("nan"), float("inf"), 10**400, [], True], ids=lambda value: repr(value)[:9]
)
def test_what_is_no_amount_of_money(value: Any) -> None:
    assert amount(value) is None


def test_what_is_one() -> None:
    assert (amount(0), amount(3), amount(0.5)) == (0.0, 3.0, 0.5)
