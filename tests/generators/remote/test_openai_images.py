"""OpenAI's image API as generator, against a server on loopback."""

import base64
import io
import json
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.errors import Cancelled, DrawingRefused, InvalidArgument, UserError
from imagerag.generators.base import UNCONTROLLED, DrawControl, DrawRequest, Redraw, Reference, redraws_parts
from imagerag.generators.remote import calling, openai_images
from imagerag.generators.remote.openai_images import OpenAIImages
from imagerag.generators.sizing import draw_sized
from imagerag.graphs.agent_graph import build_graph
from imagerag.picture_size import PictureSize
from imagerag.settings import Settings
from testing.remote_servers import Answer, a_png, image_body, images_server
from testing.scripted import ScriptedCritic

JSON = {"content-type": "application/json"}


def references(count: int) -> tuple[Reference, ...]:
    return tuple(Reference(Image.new("RGBA", (40, 30), "red"), f"thing {k + 1}") for k in range(count))


class TestOpenAIImages:
    def test_words_alone_are_a_generation(self) -> None:
        with images_server() as server:
            drawings = OpenAIImages(f"gpt-image-1@{server.url}").draw(DrawRequest("an owl", (1, 2)))
        assert [drawing.seed for drawing in drawings] == [1, 2]
        assert drawings[0].image.getpixel((3, 3)) == (255, 0, 0)
        assert [asked.path for asked in server.asked] == ["/v1/images/generations"] * 2
        assert server.asked[0].fields == {"model": "gpt-image-1", "prompt": "an owl", "n": 1, "size": "1024x1024"}
        assert server.asked[0].key == "Bearer sk-of-the-server"
        assert drawings[0].facts["usage"] == {"input": 50, "output": 4000}
        assert drawings[0].facts["seed_used"] is False

    def test_a_part_of_an_image_is_an_edit_with_a_mask(self) -> None:
        image, mask = Image.new("RGB", (40, 30), "blue"), Image.new("L", (40, 30), 0)
        mask.paste(255, (0, 0, 20, 30))
        request = DrawRequest("an owl", (1,), references(1), redraw=Redraw(image, mask))
        with images_server() as server:
            generator = OpenAIImages(f"gpt-image-1@{server.url}")
            (drawing,) = draw_sized(generator, request, UNCONTROLLED)
            assert redraws_parts(generator)
            assert not redraws_parts(OpenAIImages(f"dall-e-3@{server.url}"))
        (asked,) = server.asked
        assert asked.path == "/v1/images/edits"
        assert asked.fields["prompt"] == "According to this image of thing 1 (image 1 after the first), generate an owl"
        sent = [Image.open(io.BytesIO(file)) for file in asked.files]
        assert [one.size for one in sent] == [(40, 30)] * 3
        marks = sent[-1].getchannel("A")
        assert (marks.getpixel((3, 3)), marks.getpixel((30, 3))) == (0, 255), "transparent where it is drawn anew"
        assert drawing.image.getpixel((30, 3)) == (0, 0, 255), "and blue elsewhere, whatever the server answers"
        assert drawing.image.getpixel((3, 3)) == (255, 0, 0)

    @pytest.mark.parametrize(
        ("model", "wanted", "asked"),
        [
            ("gpt-image-1", "16:9", "1536x1024"), ("gpt-image-1", "600x800", "1024x1536"),
            ("gpt-image-1", "64x64", "1024x1024"), ("dall-e-3", "16:9", "1792x1024"),
            ("dall-e-2", "200x300", "256x256"),
        ],
    )  # fmt: skip
    def test_the_nearest_of_the_model_s_sizes_is_asked_for(self, model: str, wanted: str, asked: str) -> None:
        with images_server() as server:
            OpenAIImages(f"{model}@{server.url}").draw(DrawRequest("an owl", (1,), size=PictureSize.parse(wanted)))
        assert server.asked[0].fields["size"] == asked

    @pytest.mark.parametrize("count", [1, 16])
    def test_references_are_an_edit(self, count: int) -> None:
        with images_server() as server:
            OpenAIImages(f"gpt-image-1@{server.url}").draw(DrawRequest("an owl", (1,), references(count)))
        asked = server.asked[0]
        assert asked.path == "/v1/images/edits"
        assert len(asked.files) == count
        assert asked.files[0].startswith(b"\x89PNG")
        assert asked.fields["prompt"].startswith("According to th")
        assert "thing 1 (image 1)" in asked.fields["prompt"]

    def test_one_too_many(self) -> None:
        with pytest.raises(InvalidArgument, match=r"17 references; 'openai:gpt-image-1' takes at most 16"):
            OpenAIImages("gpt-image-1").draw(DrawRequest("an owl", (1,), references(17)))
        with pytest.raises(InvalidArgument, match="1 references; 'openai:dall-e-3' takes at most 0"):
            OpenAIImages("dall-e-3").draw(DrawRequest("an owl", (1,), references(1)))

    @pytest.mark.parametrize(
        "first",
        [
            Answer(b"{}", 429, {**JSON, "retry-after": "0"}),
            Answer(b"oops", 500),
            Answer(b"", 503, {**JSON, "retry-after": "0.01"}),
            Answer(b"<html>", 200, {"content-type": "text/html"}),
            Answer(image_body()[:200], claimed=5000),
            Answer(json.dumps({"data": []}).encode()),
            Answer(json.dumps({"data": [{"b64_json": "iVBORw0KGgo="}]}).encode()),
            Answer(b"error code: 520", 520),
            Answer(json.dumps({"error": {"code": 429, "message": "slow down"}}).encode()),
            Answer(b"null"),
            Answer(b'{"data": [{"url": "data:image/png;base64,"}]}'),
        ],
        ids=[
            "429",
            "500",
            "503",
            "content type",
            "cut",
            "no image",
            "half an image",
            "520",
            "200 with 429",
            "null",
            "nothing",
        ],
    )
    def test_what_may_pass_is_tried_again(self, first: Answer) -> None:
        with images_server(lambda number: Answer() if number else first) as server:
            assert OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))
        assert len(server.asked) == 2

    def test_what_does_not_pass_is_an_answer(self) -> None:
        with (
            images_server(lambda number: Answer(b"", 500)) as server,
            pytest.raises(InvalidArgument, match=r"drew nothing: the server answered 500, 3 of 3 tries"),
        ):
            OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))

    def test_a_server_that_keeps_silent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(openai_images, "TIMEOUT", 0.2)

        def script(number: int) -> Answer:
            if number == 0:
                time.sleep(1.0)
            return Answer()

        with images_server(script) as server:
            assert OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))
        assert len(server.asked) == 2

    def test_nobody_there(self) -> None:
        with pytest.raises(InvalidArgument, match=r"drew nothing: no answer \(ConnectError\)"):
            OpenAIImages("m@http://127.0.0.1:9/v1").draw(DrawRequest("an owl", (1,)))

    def test_a_wait_beyond_patience_is_not_waited_for(self) -> None:
        with (
            images_server(lambda number: Answer(b"", 429, {"retry-after": "3600"})) as server,
            pytest.raises(InvalidArgument, match="answered 429, and asks to wait 3600 s"),
        ):
            OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))

    def test_a_refusal_is_told_as_that(self) -> None:
        body = json.dumps({"error": {"code": "moderation_blocked", "message": "Your request was rejected."}}).encode()
        with (
            images_server(lambda number: Answer(body, 400)) as server,
            pytest.raises(DrawingRefused, match=r"refuses this \(Your request was rejected.\)"),
        ):
            OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))
        assert len(server.asked) == 1
        with images_server(lambda number: Answer() if number else Answer(body, 400)) as server:
            drawn = OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1, 2)))
        assert [one.seed for one in drawn] == [2]
        assert "refuses this (Your request was rejected.)" in str(drawn[0].facts["notes"])

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (400, {"error": {"code": "content_policy_violation", "message": "No."}}),
            (400, {"error": {"code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
            (400, {"detail": {"error": {"type": "moderation_blocked", "message": "No."}}}),
            (400, {"error": {"code": None, "message": "Your request was rejected by our safety system."}}),
            (500, {"error": {"message": "litellm.BadRequestError: content_policy_violation"}}),
            (200, {"error": {"code": "content_filter", "message": "No."}}),
            (200, {"data": [{"b64_json": None, "finish_reason": "content_filter"}]}),
            (200, {"data": [{"b64_json": base64.b64encode(a_png()).decode(), "finish_reason": "CONTENT_FILTERED"}]}),
            (200, {"data": [], "prompt_filter_results": [{"violence": {"filtered": True}}]}),
            (200, {"status": "Request Moderated"}),
            (200, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}),
            (400, "The prompt was flagged by moderation"),
            (200, {"has_nsfw_concepts": [True], "images": [{"b64_json": base64.b64encode(a_png("black")).decode()}]}),
            (200, {"data": [{"b64_json": base64.b64encode(a_png("black")).decode(), "has_nsfw_concepts": True}]}),
        ],
    )
    def test_refusals_in_all_their_places(self, status: int, body: Any) -> None:
        with (
            images_server(lambda number: Answer(json.dumps(body).encode(), status)) as server,
            pytest.raises(DrawingRefused, match=r"the safety system of .* refuses this"),
        ):
            OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))
        assert len(server.asked) == 1

    @pytest.mark.parametrize("flags", [[False], [False, True], []])
    def test_a_picture_that_is_not_flagged_is_taken(self, flags: list[bool]) -> None:
        body = {"has_nsfw_concepts": flags, "images": [{"b64_json": base64.b64encode(a_png()).decode()}]}
        with images_server(lambda number: Answer(json.dumps(body).encode())) as server:
            (drawn,) = OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))
        assert drawn.image.getpixel((3, 3)) == (255, 0, 0)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("status", "body", "error", "said"),
        [
            (
                400,
                b'{"detail": [{"loc": ["body", "size"], "msg": "none such"}]}',
                InvalidArgument,
                "400 .body.size: none",
            ),
            (400, b'{"detail": "no such size"}', InvalidArgument, r"400 \(no such size\)"),
            (400, b'"no such size"', InvalidArgument, r"400 \(no such size\)"),
            (422, b"no such size", InvalidArgument, r"422 \(no such size\)"),
            (400, b'{"error": {"error": {"message": "no such size"}}}', InvalidArgument, r"400 \(no such size\)"),
            (413, b"<html><title>413 Too Large</title></html>", InvalidArgument, r"413 \(413 Too Large\)"),
            (200, b'{"error": "CUDA out of memory"}', InvalidArgument, "CUDA out of memory"),
            (
                200,
                b'{"error": {"message": "no such model", "code": 404}}',
                UserError,
                "no such model.*check key and model",
            ),
            (
                200,
                b'{"object": "error", "message": "no such model", "code": 404}',
                UserError,
                "no such model.*check key and model",
            ),
            (200, b'{"status": "error", "message": "bad size"}', InvalidArgument, r"200 \(bad size\)"),
            (200, b'{"status": "failed"}', InvalidArgument, r"200 \(failed\)"),
            (200, b'{"message": "bad size"}', InvalidArgument, r"200 \(bad size\)"),
            (200, b'"no such size"', InvalidArgument, r"200 \(no such size\)"),
            (200, b'{"data": [{"error": {"message": "bad size"}}]}', InvalidArgument, r"200 \(bad size\)"),
            (200, b'{"output": "bad size!", "status": "failed"}', InvalidArgument, r"200 \(failed\)"),
            (404, b'{"message": "no such model"}', UserError, r"404 \(no such model\); check key and model"),
            (405, b"", UserError, "the server answered 405; check key and model"),
            (501, b'{"error": "not here"}', UserError, r"501 \(not here\)"),
            (505, b"", UserError, "answered 505"),
            (
                429,
                b'{"error": {"code": "insufficient_quota", "message": "no quota"}}',
                UserError,
                r"no quota.*add credit",
            ),
            (
                429,
                b'{"error": {"message": "You exceeded your current quota, please check plan and billing details."}}',
                UserError,
                r"exceeded your current quota.*add credit",
            ),
            (400, b'{"error": {"code": "billing_hard_limit_reached"}}', UserError, "can't be paid for"),
            (402, b"", UserError, "can't be paid for: the server answered 402"),
        ],
    )
    def test_what_stays_as_it_is_is_asked_once(
        self, status: int, body: bytes, error: type[Exception], said: str
    ) -> None:
        with images_server(lambda number: Answer(body, status)) as server, pytest.raises(error, match=said):
            OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))
        assert len(server.asked) == 1

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_the_reason_is_told_after_the_last_try(self, status: int) -> None:
        body = b'{"error": {"message": "out of luck, sk-of-the-server"}}'
        with (
            images_server(lambda number: Answer(body, status)) as server,
            pytest.raises(InvalidArgument, match=rf"answered {status} \(out of luck, \*\*\*\), 3 of 3 tries"),
        ):
            OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))

    def test_half_a_key_never_shows(self) -> None:
        body = json.dumps({"error": {"message": "x" * 190 + " sk-of-the-server"}}).encode()
        for status in (400, 401, 429):
            with (
                images_server(lambda number, status=status: Answer(body, status)) as server,  # type: ignore[misc]
                pytest.raises((UserError, InvalidArgument)) as raised,
            ):
                OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))
            assert "sk-" not in str(raised.value)

    def test_every_success_counts(self) -> None:
        with images_server(lambda number: Answer(status=201)) as server:
            assert OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))

    def test_a_redirect_names_the_address_to_give(self) -> None:
        moved = Answer(b"", 308, {"location": "https://example.org/v1/images/generations"})
        with (
            images_server(lambda number: moved) as server,
            pytest.raises(UserError, match=r"308, which leads to 'https://example.org/.*give that address"),
        ):
            OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))

    def test_edits_that_are_not_there_are_named(self) -> None:
        with (
            images_server(lambda number: Answer(b'{"detail": "Not Found"}', 404)) as server,
            pytest.raises(UserError, match=r"404 \(Not Found\) to /images/edits; .*--mode no_lookup"),
        ):
            OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,), references(1)))

    def test_what_a_batch_has_drawn_is_not_lost(self) -> None:
        with images_server(lambda number: Answer(b"out of luck", 501) if number else Answer()) as server:
            drawn = OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1, 2, 3)))
        assert [one.seed for one in drawn] == [1]
        assert "2 of 3 were not drawn: " in str(drawn[0].facts["notes"])
        assert "out of luck" in str(drawn[0].facts["notes"])

    def test_transparent_pixels_are_white(self) -> None:
        buffer = io.BytesIO()
        Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(buffer, "PNG")
        body = json.dumps({"data": [{"b64_json": base64.b64encode(buffer.getvalue()).decode()}]}).encode()
        with images_server(lambda number: Answer(body)) as server:
            image = OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))[0].image
        assert (image.mode, image.getpixel((3, 3))) == ("RGB", (255, 255, 255))

    def test_the_answer_may_be_the_image(self) -> None:
        with images_server(lambda number: Answer(a_png(), 200, {"content-type": "image/png"})) as server:
            image = OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))[0].image
        assert image.getpixel((3, 3)) == (255, 0, 0)

    @pytest.mark.parametrize(
        "address",
        [
            "/a.png",
            "a.png",
            "http://localhost:{port}/a.png",
            "data:image/png;base64," + base64.b64encode(a_png("blue")).decode(),
        ],
        ids=["relative", "file", "localhost", "data"],
    )
    def test_addresses_that_only_the_server_understands(self, address: str) -> None:
        def script(number: int) -> Answer:
            return Answer(json.dumps({"data": [{"url": address.format(port=server.server_address[1])}]}).encode())

        with images_server(script) as server:
            image = OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))[0].image
        assert image.getpixel((3, 3)) == (0, 0, 255)

    def test_an_image_that_is_late_is_fetched_again_and_drawn_once(self) -> None:
        late = iter([Answer(b"", 404), Answer(b"", 503), Answer(a_png("blue"))])
        with images_server(lambda number: Answer(b'{"data": [{"url": "/a.png"}]}')) as server:
            server.files = lambda path: next(late)
            assert OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))
        assert (len(server.asked), len(server.paths)) == (1, 3)

    def test_an_image_that_is_not_there_is_told_with_its_address(self) -> None:
        with images_server(lambda number: Answer(b'{"data": [{"url": "/a.png"}]}')) as server:
            server.files = lambda path: Answer(b"gone", 404)
            with pytest.raises(UserError, match=r"can't be fetched: '.*/a\.png': the server answered 404 \(gone\)"):
                OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))
        assert len(server.asked) == 1

    def test_a_wrong_key_never_shows(self) -> None:
        body = json.dumps({"error": {"message": "Incorrect API key provided: sk-of-the-server."}}).encode()
        with (
            images_server(lambda number: Answer(body, 401)) as server,
            pytest.raises(UserError, match="answered 401") as raised,
        ):
            OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))
        assert "sk-of" not in str(raised.value)

    def test_no_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("OPENAI_API_KEY")
        with pytest.raises(UserError, match="needs a key; set the variable OPENAI_API_KEY"):
            OpenAIImages("gpt-image-1")

    def test_an_image_by_address(self) -> None:
        def script(number: int) -> Answer:
            return Answer(json.dumps({"data": [{"url": f"{server.url.removesuffix('/v1')}/a.png"}]}).encode())

        with images_server(script) as server:
            image = OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))[0].image
        assert image.getpixel((3, 3)) == (0, 0, 255)

    def test_an_image_by_address_is_fetched_without_the_key(self) -> None:
        def script(number: int) -> Answer:
            return Answer(json.dumps({"data": [{"url": f"{server.url.removesuffix('/v1')}/a.png"}]}).encode())

        with images_server(script) as server:
            OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))
            assert server.fetched == [""]

    def test_an_address_that_only_begins_like_the_servers_is_not_its_own(self) -> None:
        def script(number: int) -> Answer:
            address = server.url.removesuffix("/v1").replace("127.0.0.1", "127.0.0.1.evil.invalid")
            return Answer(json.dumps({"data": [{"url": f"{address}/a.png"}]}).encode())

        with (
            images_server() as other,
            images_server(
                lambda number: Answer(json.dumps({"data": [{"url": f"{other.url}/a.png"}]}).encode())
            ) as first,
            pytest.raises(UserError, match="not a public address"),
        ):
            OpenAIImages(f"m@{first.url}").draw(DrawRequest("an owl", (1,)))
        assert other.fetched == []
        with images_server(script) as server, pytest.raises((UserError, InvalidArgument)):
            OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))
        assert server.fetched == []

    def test_a_decompression_bomb_is_no_image(self) -> None:
        header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
        chunk = b"IHDR" + header
        png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
        body = json.dumps({"data": [{"b64_json": base64.b64encode(png).decode()}]}).encode()
        with (
            images_server(lambda number: Answer(body)) as server,
            pytest.raises(InvalidArgument, match="an answer without a whole image"),
        ):
            OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))

    def test_an_answer_without_end_is_not_read_to_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(calling, "MAX_BODY", 2**20)
        for body, fits in ((b" " * (2**20 - 600) + image_body(), True), (b" " * 2**20 + image_body(), False)):
            with images_server(lambda number, body=body: Answer(body)) as server:  # type: ignore[misc]
                generator = OpenAIImages(f"m@{server.url}")
                if fits:
                    assert generator.draw(DrawRequest("an owl", (1,)))
                    continue
                with pytest.raises(
                    InvalidArgument, match=r"127\.0\.0\.1 can.t be taken: it has more than 1048576 bytes"
                ):
                    generator.draw(DrawRequest("an owl", (1,)))
            assert len(server.asked) == 1

    def test_an_address_inside_this_network_is_not_fetched(self) -> None:
        body = json.dumps({"data": [{"url": "http://127.0.0.1:9/secret.png"}]}).encode()
        with (
            images_server(lambda number: Answer(body)) as server,
            pytest.raises(UserError, match="not a public address"),
        ):
            OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)))

    def test_a_run_that_ends_while_it_waits(self) -> None:
        count = 0

        def check() -> None:
            nonlocal count
            count += 1
            if count > 3:
                raise Cancelled

        with (
            images_server(lambda number: Answer(b"", 429, {"retry-after": "30"})) as server,
            pytest.raises(Cancelled),
        ):
            OpenAIImages(f"m@{server.url}").draw(DrawRequest("an owl", (1,)), DrawControl(check))


class TestTheWholeLoop:
    def test_it_counts_what_it_costs_and_stops_before_more(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with images_server() as server:
            name = f"openai:gpt-image-1@{server.url}"
            prices = tmp_path / "prices.toml"
            prices.write_text(f'["{name}"]\ninput = 10.0\noutput = 40.0\ndate = "2026-11-01"\nsource = "a test"\n')
            monkeypatch.setenv("IMAGERAG_PRICES", str(prices))
            graph = build_graph(critic=ScriptedCritic([0.2, 0.3, 0.4, 0.5]))
            settings = Settings(
                home=str(tmp_path), generator=name, vlm="rules", max_money=0.2, mode="no_lookup", seed=1
            )
            result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
        drawn = [step for step in result["trace"] if step["name"] == "generate" and step["tokens"]]
        assert drawn[0]["tokens"] == 4050
        assert drawn[0]["money"] == pytest.approx(50 * 10e-6 + 4000 * 40e-6)
        assert result["stop_reason"] == "money"
        assert result["image"] is not None
        assert len(server.asked) == 1  # a second image, in the best quality, would cost more than is left
        assert sum(step["money"] or 0 for step in result["trace"]) < 0.2
        manifest = Path(result["image"]["path"]).read_bytes()
        assert b"sk-of" not in manifest
        assert "sk-of" not in json.dumps(result["trace"])

    def test_what_is_refused_is_not_asked_for_again(self, tmp_path: Path) -> None:
        body = json.dumps({"error": {"code": "moderation_blocked", "message": "Rejected."}}).encode()
        with images_server(lambda number: Answer(body, 400) if number else Answer()) as server:
            graph = build_graph(critic=ScriptedCritic([0.2, 0.3]))
            settings = Settings(home=str(tmp_path), vlm="rules", generator=f"openai:m@{server.url}", mode="no_lookup")
            result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
        assert len(server.asked) == 2
        assert result["image"] is not None

    def test_a_server_that_begins_a_job_instead_costs_no_image(self, tmp_path: Path) -> None:
        body = json.dumps({"id": "job-1", "status": "queued"}).encode()
        with images_server(lambda number: Answer(body, 202) if number else Answer()) as server:
            graph = build_graph(critic=ScriptedCritic([0.2]))
            settings = Settings(home=str(tmp_path), vlm="rules", generator=f"openai:m@{server.url}", mode="no_lookup")
            result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
        assert len(server.asked) == 2, "a job is begun, and paid for, once"
        assert result["image"]["id"] == "image-1"
        assert any("(status 'queued', id 'job-1')" in (step["error"] or "") for step in result["trace"])

    def test_a_server_that_dies_costs_no_image(self, tmp_path: Path) -> None:
        with images_server(lambda number: Answer(b"", 500) if number else Answer()) as server:
            name = f"openai:m@{server.url}"
            graph = build_graph(critic=ScriptedCritic([0.2]))
            settings = Settings(home=str(tmp_path), generator=name, vlm="rules", mode="no_lookup")
            result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
        assert result["image"] is not None
