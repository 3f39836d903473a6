"""What servers say is wrong, in the shapes in which they do."""

import json
from typing import Any

import pytest

from imagerag.generators.remote.server_errors import Meaning, has_error, said_by, said_in


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "no such size", "type": "invalid_request_error", "code": None}}, "no such size"),
        ({"error": "no such size"}, "no such size"),
        ({"error": {"error": {"message": "no such size"}}}, "no such size"),
        ({"message": "no such size"}, "no such size"),
        ({"error": "Bad Request", "message": "no such size"}, "no such size: Bad Request"),
        ({"error": "invalid_request", "error_description": "no such size"}, "no such size: invalid_request"),
        ({"detail": "no such size"}, "no such size"),
        ({"detail": {"error": {"message": "no such size"}}}, "no such size"),
        ({"detail": [{"loc": ["body", "size"], "msg": "no such size", "type": "v"}]}, "body.size: no such size"),
        ({"errors": ["no such size", {"message": "nor quality"}]}, "no such size; nor quality"),
        ({"errors": {"size": ["none such"]}}, "size: none such"),
        ([{"error": {"message": "no such size"}}], "no such size"),
        ({"title": "Bad", "detail": "no such size", "status": 400}, "no such size: Bad"),
        ({"code": "InvalidParameter", "message": "no such size"}, "no such size"),
        ({"error": {"code": "bad_size"}}, "code: bad_size"),
        ({"error": json.dumps({"error": {"message": "no such size"}})}, "no such size"),
        ({"error": {"message": None, "code": 500}}, "code: 500"),
        ("no such size", "no such size"),
        ({"error": {"message": "two\nlines\x1b[31m"}}, "two lines [31m"),
        ({"error": True}, ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_words_for_people(body: Any, words: str) -> None:
    assert said_in(json.dumps(body).encode()).words == words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"no such size", "no such size"),
        (b"<!DOCTYPE html><html><head><title>502 Bad&nbsp;Gateway</title></head><body>x</body>", "502 Bad Gateway"),
        (b"<html><style>p {}</style><body><p>Out of <b>memory</b></p></body></html>", "Out of memory"),
        (b"\xef\xbb\xbf" + b'{"error": "no such size"}', "no such size"),
        (b"\xff\xfe\x00", "\ufffd\ufffd"),
        (b"", ""),
        (b"x" * 5000, "x" * 200),
    ],
)
def test_what_is_no_json(body: bytes, words: str) -> None:
    assert said_in(body).words == words


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (400, {"error": {"code": "moderation_blocked"}}, "refused"),
        (400, {"error": {"code": "content_policy_violation"}}, "refused"),
        (400, {"error": {"type": "content_filter", "code": None}}, "refused"),
        (400, {"error": {"code": "contentFilter"}}, "refused"),
        (400, {"error": {"code": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, "refused"),
        (400, {"error": {"inner_error": {"content_filter_results": {"hate": {"filtered": True}}}}}, "refused"),
        (400, {"detail": {"code": "content_policy_violation"}}, "refused"),
        (400, {"code": "content_filter", "message": "no"}, "refused"),
        (403, {"name": "content_moderation", "errors": ["flagged"]}, "refused"),
        (400, {"error": {"code": None, "message": "It was rejected by our safety system."}}, "refused"),
        (500, {"error": {"message": "litellm.ContentPolicyViolationError: no", "code": "500"}}, "refused"),
        (429, {"error": {"code": "moderation_blocked"}}, "refused"),
        (200, {"data": [{"b64_json": None, "finish_reason": "content_filter"}]}, "refused"),
        (200, {"choices": [{"finish_reason": "content_filter"}]}, "refused"),
        (200, {"choices": [{"message": {"refusal": "I can't draw that."}}]}, "refused"),
        (429, {"error": {"code": "insufficient_quota", "type": "insufficient_quota"}}, "unpaid"),
        (429, {"error": {"type": "insufficient_quota", "code": None}}, "unpaid"),
        (400, {"error": {"code": "billing_hard_limit_reached"}}, "unpaid"),
        (402, {}, "unpaid"),
        (403, {"error": "Insufficient balance"}, "unpaid"),
        (429, {"error": {"message": "Rate limit; check your plan and billing details"}}, "passing"),
        (429, "slow down", "passing"),
        (503, "", "passing"),
        (529, {"error": {"type": "overloaded_error"}}, "passing"),
        (200, {"error": {"code": 429, "message": "slow down"}}, "passing"),
        (200, {"error": {"code": "rate_limit_exceeded"}}, "passing"),
        (200, {"error": {"code": 401, "message": "no such key"}}, "unusable"),
        (501, {"error": "not implemented"}, "unusable"),
        (505, "", "unusable"),
        (507, "", "unusable"),
        (401, {"error": {"message": "wrong key"}}, "unusable"),
        (404, "", "unusable"),
        (405, {"detail": "Method Not Allowed"}, "unusable"),
        (307, "", "unusable"),
        (400, {"error": {"message": "no such size"}}, "wrong"),
        (422, {"detail": [{"loc": ["body"], "msg": "missing"}]}, "wrong"),
        (200, {"error": "CUDA out of memory"}, "wrong"),
    ],
)
def test_what_it_means(status: int, body: Any, meaning: Meaning) -> None:
    assert said_in(json.dumps(body).encode()).meaning(status) == meaning


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"status": "Request Moderated"}),
        (200, {"id": "x", "status": "Content Moderated", "result": None}),
        (200, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}),
        (200, {"promptFeedback": {"blockReason": "OTHER", "blockReasonMessage": "No."}}),
        (200, {"prompt_feedback": {"block_reason": "SAFETY"}}),
        (200, {"candidates": [{"finishReason": "BLOCKLIST"}]}),
        (400, "The prompt was flagged by moderation"),
        (400, {"error": "Your prompt was flagged as inappropriate by our moderation system"}),
        (400, {"detail": "Request rejected by moderation."}),
        (400, {"error": {"message": "This request violates our usage policies."}}),
        (400, {"message": "The prompt may violate the Acceptable Use Policy"}),
        (400, {"error": {"message": "Violation of content policies"}}),
        (200, {"has_nsfw_concepts": [True], "images": [{"url": "https://x/black.png"}]}),
        (200, {"data": [{"b64_json": "x", "nsfw_content_detected": True}]}),
    ],
)
def test_refusals_of_many_makers(status: int, body: Any) -> None:
    said = said_in(json.dumps(body).encode())
    assert said.meaning(status) == "refused"
    assert said.words


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": {"message": "moderation must be one of: low, auto"}}),
        (400, {"error": {"message": "The address was rejected: it violates the naming rules"}}),
        (403, {"error": {"message": "Your payment was flagged; contact support"}}),
        (429, {"error": {"message": "Requests were rejected by our rate limit policy"}}),
        (503, {"error": {"message": "moderation is unavailable"}}),
        (200, {"promptFeedback": {"blockReason": "BLOCK_REASON_UNSPECIFIED"}}),
        (200, {"has_nsfw_concepts": [False, True], "images": []}),
        (200, {"has_nsfw_concepts": [], "nsfw_content_detected": None}),
    ],
)
def test_what_is_no_refusal(status: int, body: Any) -> None:
    assert said_in(json.dumps(body).encode()).meaning(status) != "refused"


QUOTA = "You exceeded your current quota, please check your plan and billing details."
GEMINI = {"code": 429, "message": f"{QUOTA} For more information, see the page on limits."}
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "23s"}


@pytest.mark.parametrize(
    ("body", "meaning"),
    [
        ({"error": {"message": QUOTA}}, "unpaid"),
        ({"error": {"message": f"litellm.RateLimitError: OpenAIException - {QUOTA}", "code": "429"}}, "unpaid"),
        ({"error": QUOTA}, "unpaid"),
        ({"detail": QUOTA}, "unpaid"),
        ({"message": "You have exceeded your monthly included credits for Inference Providers."}, "unpaid"),
        (QUOTA, "unpaid"),
        ({"error": {**GEMINI, "status": "RESOURCE_EXHAUSTED"}}, "passing"),
        ([{"error": {**GEMINI, "status": "RESOURCE_EXHAUSTED"}}], "passing"),
        ({"error": {**GEMINI, "details": [RETRY]}}, "passing"),
        ({"error": {"message": f"litellm.RateLimitError: {json.dumps({'error': GEMINI | {'details': [RETRY]}})}"}},
         "passing"),
        ({"error": {"message": f"VertexAIException - {QUOTA}. RESOURCE_EXHAUSTED", "code": "429"}}, "passing"),
        (f"429 RESOURCE_EXHAUSTED. {QUOTA}", "passing"),
        (f"{QUOTA} {'x' * 300} RESOURCE_EXHAUSTED", "passing"),
        ({"error": {"message": "Rate limit reached: 3 requests in a minute."}}, "passing"),
    ],
)  # fmt: skip
def test_a_quota_that_is_used_up_and_a_limit_by_the_minute(body: Any, meaning: Meaning) -> None:
    said = said_in(body.encode() if isinstance(body, str) else json.dumps(body).encode())
    assert said.meaning(429) == meaning


def test_what_is_no_error() -> None:
    fine = {"data": [{"b64_json": "x", "content_filter_results": {"hate": {"filtered": False}}}], "error": None}
    assert not has_error(fine)
    assert not said_in(json.dumps(fine).encode()).is_refusal
    assert not has_error(["error"])
    assert has_error({"success": False})


@pytest.mark.parametrize(
    "body",
    [
        {"object": "error", "message": "no such model", "code": 404},
        {"type": "error", "message": "no such size"},
        {"status": "error", "message": "no such size"},
        {"status": "FAILED"},
        {"state": "failed"},
        {"code": 404},
        {"statusCode": "404"},
        {"ok": False},
        {"message": "no such size"},
        {"error_msg": "no such size"},
        {"status": "Task not found"},
        {"output": {"task_status": "FAILED", "code": "InvalidParameter", "message": "no such size"}},
        {"data": [{"b64_json": None, "error": {"message": "no such size"}}]},
        [{"error": {"message": "no such size"}}],
        "no such size",
    ],
)
def test_errors_under_a_status_of_success(body: Any) -> None:
    assert has_error(body)
    assert said_in(json.dumps(body).encode()).words or body in ({"code": 404}, {"statusCode": "404"}, {"ok": False})


@pytest.mark.parametrize(
    "body",
    [
        {"data": []},
        {"code": 0, "message": "Success", "data": []},
        {"status": "succeeded", "output": []},
        {"status": 200, "object": "list", "type": "image"},
        {"data": [{"b64_json": None, "detail": "high", "revised_prompt": "an error"}]},
        {"success": True, "error": None},
        None,
    ],
)
def test_an_answer_that_says_nothing_of_an_error(body: Any) -> None:
    assert not has_error(body)


@pytest.mark.parametrize(
    ("body", "meaning"),
    [
        ({"object": "error", "message": "no such model", "code": 404}, "unusable"),
        ({"statusCode": 503, "message": "no"}, "passing"),
        ({"status": "error", "message": "no such size"}, "wrong"),
        ({"message": "The model is loading, try again later."}, "passing"),
    ],
)
def test_what_an_error_under_a_status_of_success_means(body: Any, meaning: Meaning) -> None:
    assert said_in(json.dumps(body).encode()).meaning(200) == meaning


def test_what_was_filtered_is_told_by_its_categories() -> None:
    filters = {"hate": {"filtered": False, "severity": "safe"}, "sexual": {"filtered": True, "severity": "high"}}
    said = said_by({"created": 1, "data": [{"content_filter_results": filters}]})
    assert (said.filtered, said.words) == (True, "sexual")


DEEP = 100_000


@pytest.mark.parametrize("depth", [*range(900, 1000, 9), DEEP])
def test_json_of_many_levels_is_read_as_far_as_it_can_be(depth: int) -> None:
    """Of about a thousand levels it can just be read and not be written again."""
    body = b'{"message": "no such size", "more": ' + b"[" * depth + b"]" * depth + b"}"
    assert "no such size" in said_in(body).words
    packed = json.dumps({"message": body.decode()}).encode()
    assert "no such size" in said_in(packed).words


@pytest.mark.parametrize("part", ["<title>", "<h1>", "<script>", "<style", "<p>", "<", "<title><p", "&#", "x "])
def test_a_long_page_is_read_in_time_that_grows_with_its_length(part: str) -> None:
    """Marks without an end made it the square: this took minutes."""
    assert len(said_in(f"<html>{part * DEEP}".encode()).words) <= 200


def test_a_character_of_thousands_of_digits_is_none() -> None:
    assert said_in(b"<html><p>bad &#" + b"1" * 5000 + b"; gateway").words == "bad \ufffd gateway"


def test_code_in_a_page_is_left_out_and_a_title_without_an_end_is_none() -> None:
    page = b"<html><title>oops <script>if (a < b) {}</script><p>Out of <b>memory</b><style>p</style></html>"
    assert said_in(page).words == "oops Out of memory"


@pytest.mark.parametrize(
    ("body", "wait"),
    [
        ({"error": {**GEMINI, "details": [RETRY]}}, 23.0),
        ({"error": {"details": [{"retryDelay": "34.074824224s"}]}}, 34.074824224),
        ({"detail": "Request was throttled. Your rate limit resets in ~30s.", "status": 429}, 30.0),
        ({"detail": "Request was throttled. Expected available in 1 second."}, 1.0),
        ({"detail": "throttled", "retry_after": 7}, 7.0),
        ({"error": {"message": "Rate limit reached for images. Please try again in 6m0s."}}, 360.0),
        ({"error": {"message": "Limit 5, Used 5. Please try again in 1m12.5s. Contact us."}}, 72.5),
        ({"error": {"message": "Please try again in 240ms."}}, 0.24),
        ({"error": {"message": "busy, retry after 2 minutes"}}, 120.0),
        ("Too many requests; try again in 3 hours", 10800.0),
        ({"errors": ["150 requests within a 10 second period, and have been timed out for 60 seconds."]}, 60.0),
        ({"message": "please wait 15s"}, 15.0),
        ({"message": "the upstream timed out after 60 seconds"}, None),
        ({"error": {"message": "try again later"}}, None),
        ({"error": {"message": "an owl in 3 sizes was retried"}}, None),
        ({"detail": "x", "retry_after": True}, None),
        ({"detail": "x", "retry_after": "soon"}, None),
        ({"detail": "x", "retry_after": None}, None),
        ({"detail": "x", "retry_after": "-5"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_told_in_the_body(body: Any, wait: float | None) -> None:
    told = said_in(body.encode() if isinstance(body, str) else json.dumps(body).encode()).wait
    assert told == (None if wait is None else pytest.approx(wait))
