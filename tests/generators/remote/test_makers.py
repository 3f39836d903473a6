"""The images APIs of six makers, each against a server on loopback that speaks its protocol."""

import base64
import io
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.chat_models.pricing import PRICES, load_pricing
from imagerag.errors import Cancelled, DrawingRefused, InvalidArgument, UserError
from imagerag.generators.base import DrawControl, Drawing, DrawRequest, Reference
from imagerag.generators.registry import IMAGES_APIS, fitting_profile, load_generator, most_output_tokens
from imagerag.generators.remote import calling, images_api, job_polling
from imagerag.generators.remote.bfl_images import BflImages
from imagerag.generators.remote.fal_images import FalImages
from imagerag.generators.remote.recraft_images import RecraftImages
from imagerag.generators.remote.replicate_images import ReplicateImages
from imagerag.generators.remote.stability_images import StabilityImages
from imagerag.generators.remote.together_images import TogetherImages
from imagerag.graphs.agent_graph import build_graph
from imagerag.records import Verdict
from imagerag.remote_models import providers
from imagerag.settings import Settings
from testing.maker_servers import JOBS, MAKERS, AskedOfMaker, MakerServer, answer, maker_server
from testing.remote_servers import a_png
from testing.scripted import ScriptedCritic

KEY = "sk-of-the-server"
OWL = DrawRequest("an owl", (1,))
KINDS: dict[str, type[images_api.ImagesApi]] = {
    "bfl": BflImages, "fal": FalImages, "replicate": ReplicateImages, "together": TogetherImages,
    "stability": StabilityImages, "recraft": RecraftImages,
}  # fmt: skip
TELLING = {"bfl": 0.03, "recraft": 0.04}
"""Makers whose answers say what an image cost, with the dollars that the servers here say."""
each_maker = pytest.mark.parametrize("prefix", MAKERS)
each_job = pytest.mark.parametrize("prefix", JOBS)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_polling, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(job_polling, "LONGEST_PAUSE", 0.02)
    monkeypatch.setattr(job_polling, "GRACE", 30.0)  # a busy machine may take its time


def draw(server: MakerServer, request: DrawRequest = OWL, check: Callable[[], None] | None = None) -> list[Drawing]:
    load_generator.cache_clear()
    return load_generator(server.name).draw(request, DrawControl(stop_check=check))


def with_references(count: int, scale: float = 0.3, size: tuple[int, int] = (40, 30)) -> DrawRequest:
    shown = tuple(Reference(Image.new("RGBA", size, (0, 0, 0, 0)), f"thing {k + 1}") for k in range(count))
    return DrawRequest("an owl", (1,), shown, scale)


def files_of(asked: AskedOfMaker) -> list[bytes]:
    """Return the references of a submission, in order, wherever its maker has them."""
    inputs = asked.fields.get("input", asked.fields)
    texts: list[str] = [text for name, text in inputs.items() if name.startswith("input_image") and name[-1] != "s"]
    for name in ("image_urls", "input_images", "reference_images"):
        texts += inputs.get(name, [])
    return [*asked.files, *(base64.b64decode(text.rpartition(",")[2]) for text in texts)]


@each_maker
def test_words_alone(prefix: str) -> None:
    with maker_server(prefix) as server:
        drawings = draw(server, DrawRequest("an owl", (1, 2**32 - 1)))
    assert [drawing.seed for drawing in drawings] == [1, 2**32 - 1]
    colour = (0, 0, 255) if server.maker.has_jobs else (255, 0, 0)
    assert all(drawing.image.getpixel((3, 3)) == colour for drawing in drawings)
    assert [asked.path for asked in server.submissions] == [server.maker.path] * 2
    first = server.submissions[0]
    assert first.fields.get("input", first.fields)["prompt"] == "an owl"
    assert files_of(first) == []
    assert not server.called_off
    assert KEY not in json.dumps([dict(drawing.facts) for drawing in drawings])


@each_maker
def test_the_key_goes_to_the_api_and_not_to_the_image(prefix: str) -> None:
    with maker_server(prefix) as server:
        draw(server)
    header, value = server.maker.key
    for asked in server.asked:
        assert (asked.headers.get(header) == value.format(key=KEY)) is not asked.path.startswith("/files/"), asked.path


@each_maker
@pytest.mark.parametrize("count", ["one", "most"])
def test_references(prefix: str, count: str) -> None:
    maker = MAKERS[prefix]
    number = 1 if count == "one" else maker.most
    with maker_server(prefix) as server:
        draw(server, with_references(number))
    (asked,) = server.submissions
    assert asked.path == (maker.edit or maker.path)
    files = files_of(asked)
    assert len(files) == number
    assert Image.open(io.BytesIO(files[0])).convert("RGB").getpixel((3, 3)) == (255, 255, 255), "clear parts are white"
    assert "thing 1 (image 1)" in asked.fields.get("input", asked.fields)["prompt"]
    if "strength" in asked.fields:
        assert float(asked.fields["strength"]) == pytest.approx(0.7)


@each_maker
def test_one_reference_too_many(prefix: str) -> None:
    most = MAKERS[prefix].most
    with (
        maker_server(prefix) as server,
        pytest.raises(InvalidArgument, match=rf"{most + 1} references; .* at most {most}"),
    ):
        draw(server, with_references(most + 1))
    assert server.asked == []


@pytest.mark.parametrize("prefix", [*JOBS, "together"])
def test_large_references_are_scaled_to_what_is_paid_for(prefix: str) -> None:
    with maker_server(prefix) as server:
        draw(server, with_references(1, size=(1600, 800)))
    sent = Image.open(io.BytesIO(files_of(server.submissions[0])[0]))
    assert sent.width * sent.height <= 2**20
    assert sent.width == pytest.approx(2 * sent.height, abs=2)


def test_replicate_gets_large_files_as_jpeg() -> None:
    noise = Image.effect_noise((1024, 1024), 90).convert("RGB")
    request = DrawRequest("an owl", (1,), (Reference(noise, "noise"), Reference(Image.new("RGB", (40, 30)), "b")))
    with maker_server("replicate") as server:
        draw(server, request)
    urls = server.submissions[0].fields["input"]["input_images"]
    assert [url.partition(";")[0] for url in urls] == ["data:image/jpeg", "data:image/png"]
    sent = Image.open(io.BytesIO(files_of(server.submissions[0])[0]))
    assert (sent.format, sent.size) == ("JPEG", (1024, 1024))


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["stability", "recraft"])
def test_large_references_are_scaled_to_what_a_request_takes(prefix: str) -> None:
    with maker_server(prefix) as server:
        draw(server, with_references(1, size=(4000, 2000)))
    sent = Image.open(io.BytesIO(files_of(server.submissions[0])[0]))
    assert sent.width * sent.height <= 2**22


@each_maker
def test_a_refusal_is_told_as_that_and_asked_once(prefix: str) -> None:
    with maker_server(prefix) as server:
        server.refuse()
        with pytest.raises(DrawingRefused, match="safety system of"):
            draw(server)
    assert len(server.submissions) == 1


def test_a_picture_that_was_made_black_or_blurred_is_a_refusal() -> None:
    with maker_server("fal") as server:
        server.result = answer({"images": [{"url": server.root + "/files/image.png"}], "has_nsfw_concepts": [True]})
        with pytest.raises(DrawingRefused):
            draw(server)
    with maker_server("stability") as server:
        server.submit.append(answer({"image": "aGk=", "finish_reason": "CONTENT_FILTERED", "seed": 1}))
        with pytest.raises(DrawingRefused):
            draw(server)


@pytest.mark.parametrize(("model", "takes"), [("sd3.5-large", True), ("sd3.5-large-turbo", False), ("ultra", True)])
def test_stability_takes_a_negative_prompt_but_for_models_of_few_steps(
    model: str, takes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGERAG_SERVER_KEY", "x")
    assert StabilityImages(f"{model}@http://127.0.0.1:9").takes_negatives == takes


@each_maker
def test_a_throttled_request_is_made_again(prefix: str) -> None:
    with maker_server(prefix) as server:
        server.submit += [answer({"detail": "slow down"}, 429, retry_after="0"), answer({"detail": "busy"}, 503)]
        (drawing,) = draw(server)
    assert drawing.image.size == (32, 32)
    assert len(server.submissions) == 3


@each_maker
def test_a_wait_that_is_too_long_is_told(prefix: str) -> None:
    with maker_server(prefix) as server:
        server.submit.append(answer({"detail": "slow down"}, 429, retry_after="3600"))
        with pytest.raises(InvalidArgument, match="asks to wait 3600 s"):
            draw(server)
    assert len(server.submissions) == 1


@pytest.mark.parametrize(("asked", "most"), [(0.2, 60.0), (3600, 0)])
def test_a_wait_that_the_body_asks_for_is_waited_or_told(
    asked: float, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(calling, "pause", lambda seconds, check: waited.append(seconds))
    with maker_server("replicate") as server:
        server.submit.append(answer({"detail": f"Request was throttled. Your rate limit resets in ~{asked}s."}, 429))
        if most:
            assert draw(server)
            assert waited == [asked]
        else:
            with pytest.raises(InvalidArgument, match=r"resets in ~3600s\.\), and asks to wait 3600 s"):
                draw(server)
            assert waited == []


@each_maker
def test_no_credit(prefix: str) -> None:
    with maker_server(prefix) as server:
        server.submit.append(server.maker.unpaid)
        with pytest.raises(UserError, match=r"can't be paid for.*add credit"):
            draw(server)
    assert len(server.submissions) == 1


@each_maker
def test_a_wrong_key(prefix: str) -> None:
    with maker_server(prefix) as server:
        server.submit.append(server.maker.wrong_key)
        with pytest.raises(UserError, match="check key and model") as raised:
            draw(server)
    assert KEY not in str(raised.value)
    assert len(server.submissions) == 1


@each_maker
def test_no_key(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = providers()[prefix].keys[0]
    monkeypatch.delenv(variable, raising=False)
    load_generator.cache_clear()
    with pytest.raises(UserError, match=f"needs a key; set the variable {variable}"):
        load_generator(f"{prefix}:{MAKERS[prefix].model}")


@each_maker
def test_a_cancel_does_not_wait_for_the_server(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_polling, "GRACE", 0.3)
    held = threading.Event()
    with maker_server(prefix) as server:
        server.submit.append(held)
        with pytest.raises(Cancelled):
            draw(server, check=lambda: _stop_when(server.submitting))
        assert not held.is_set(), "the server is still at it"
        held.set()


def _stop_when(event: threading.Event) -> None:
    if event.is_set():
        raise Cancelled


@each_job
def test_a_cancel_calls_the_job_off(prefix: str) -> None:
    with maker_server(prefix) as server:
        server.looks = -1
        with pytest.raises(Cancelled):
            draw(server, check=lambda: _stop_when(server.polled))
        assert server.called_off is (server.maker.cancel is not None)
    assert len(server.submissions) == 1


@pytest.mark.parametrize("prefix", ["fal", "replicate"])
@pytest.mark.parametrize("grace", [30.0, 0.0], ids=["waited for", "left behind"])
def test_a_job_that_is_taken_in_as_the_run_ends_is_called_off(
    prefix: str, grace: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = threading.Event()
    with maker_server(prefix) as server:
        server.submit.append(held)
        server.looks = -1

        def check() -> None:
            if server.submitting.is_set():
                monkeypatch.setattr(job_polling, "GRACE", grace)
                threading.Timer(0.1, lambda: (monkeypatch.setattr(job_polling, "GRACE", 30.0), held.set())).start()
                raise Cancelled

        with pytest.raises(Cancelled):
            draw(server, check=check)
        for _ in range(600):
            if server.called_off:
                break
            threading.Event().wait(0.05)
        assert server.called_off


@each_job
def test_a_job_that_fails_says_why_and_is_made_once(prefix: str) -> None:
    with maker_server(prefix) as server:
        server.end = answer(server.maker.failed)
        with pytest.raises(InvalidArgument, match=r"its job failed .*out of memory"):
            draw(server)
    assert len(server.submissions) == 1
    assert not server.called_off, "it is over"


@each_job
def test_a_job_that_never_ends_is_called_off(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_polling, "LONGEST_JOB", 0.05)
    with maker_server(prefix) as server:
        server.looks = -1
        with pytest.raises(InvalidArgument, match="a job that is not done after"):
            draw(server)
        assert server.called_off is (server.maker.cancel is not None)
    assert len(server.submissions) == 1


@each_job
def test_questions_for_a_job_are_put_again_where_they_fail(prefix: str) -> None:
    with maker_server(prefix) as server:
        server.poll += [answer({"detail": "slow down"}, 429), answer({"detail": "oh"}, 500)]
        assert draw(server)
        server.poll += [answer({"detail": "oh"}, 500)] * 3
        with pytest.raises(InvalidArgument, match="3 of 3 tries"):
            draw(server)
        assert server.called_off is (server.maker.cancel is not None)
    assert len(server.submissions) == 2, "no question begins another job"


@each_job
def test_a_job_that_is_not_known_yet_is_asked_for_again(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "FIRST_WAIT", 0.01)
    unknown = answer({"id": "j1", "status": "Task not found", "detail": "not found", "result": None}, 404)
    told = answer({"id": "j1", "status": "Task not found", "result": None})  # Black Forest Labs says so with 200, too
    with maker_server(prefix) as server:
        server.poll += [unknown, told if prefix == "bfl" else unknown]
        assert draw(server)
        server.poll += [unknown] * 3
        with pytest.raises(InvalidArgument, match="3 of 3 tries"):
            draw(server)
        assert server.called_off is (server.maker.cancel is not None)
    assert len(server.submissions) == 2, "no question begins another job"


@each_job
def test_a_job_without_an_image(prefix: str) -> None:
    with maker_server(prefix) as server:
        maker = server.maker
        assert maker.done is not None
        empty: dict[str, Any] = {**maker.done(server.root), "result": {}, "output": []}
        server.end, server.result = answer(empty), answer({"images": []})
        with pytest.raises(InvalidArgument, match="a job that is done, without an image"):
            draw(server)
    assert len(server.submissions) == 1


@each_job
def test_an_image_at_another_address_is_fetched_only_from_the_open_internet(
    prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with maker_server(prefix) as server, maker_server(prefix) as other:
        maker = server.maker
        assert maker.done is not None
        end, made = (answer(part(other.root)) if part else None for part in (maker.done, maker.result))
        server.end, server.result = end, made
        with pytest.raises(UserError, match=r"drew an image that can't be fetched: .*not a public address"):
            draw(server)
        assert other.asked == []

        async def fetch(url: str) -> bytes:
            fetched.append(url)
            return a_png("lime")

        fetched: list[str] = []
        monkeypatch.setattr("imagerag.generators.remote.image_addresses.fetch", fetch)
        (drawing,) = draw(server)
    assert drawing.image.getpixel((3, 3)) == (0, 255, 0)
    assert fetched == [other.root + "/files/image.png"]


@each_job
def test_an_address_of_somebody_else_gets_no_key(prefix: str) -> None:
    with maker_server(prefix) as server, maker_server(prefix) as other:
        server.submit.append(answer(server.maker.taken(other.root), 201))
        with pytest.raises(UserError, match="another server and gets no key"):
            draw(server)
        assert other.asked == []


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("https://api.us1.bfl.ai/v1/get_result?id=1", True),
        ("https://api.bfl.ai/v1/get_result?id=1", True),
        ("http://api.us1.bfl.ai/v1/get_result?id=1", False),
        ("https://bfl.ai.example.org/v1/get_result?id=1", False),
        ("https://notbfl.ai/v1/get_result?id=1", False),
        ("https://u:p@api.us1.bfl.ai/v1/get_result", False),
    ],
)
def test_a_makers_regions_get_its_key(address: str, own: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFL_API_KEY", "k")
    load_generator.cache_clear()
    made: Any = load_generator("bfl:flux-2-pro")
    if own:
        assert made._trusted(address) == address
    else:
        with pytest.raises(UserError, match="gets no key"):
            made._trusted(address)


def test_a_data_url_is_an_image() -> None:
    with maker_server("replicate") as server:
        text = "data:image/png;base64," + base64.b64encode(a_png("red")).decode()
        server.end = answer({"id": "j1", "status": "succeeded", "output": text})
        (drawing,) = draw(server)
    assert drawing.image.getpixel((3, 3)) == (255, 0, 0)


def test_a_version_of_a_model_has_another_path() -> None:
    with maker_server("replicate") as server:
        server.name = f"replicate:owner/model:abc@{server.root}"
        with pytest.raises(UserError, match="nothing at /v1/predictions"):
            draw(server)
    assert server.asked[0].fields == {"version": "abc", "input": {"prompt": "an owl"}}


def test_a_model_that_draws_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECRAFT_API_TOKEN", "k")
    with pytest.raises(UserError, match=r"draws vectors.*give recraft:recraftv4_1"):
        RecraftImages("recraftv4_1_vector")


@pytest.mark.parametrize("prefix", ["fal", "replicate", "together"])
def test_a_model_that_is_not_listed_is_asked_with_words_alone(prefix: str) -> None:
    with maker_server(prefix) as server:
        server.name = f"{prefix}:some/model@{server.root}{server.maker.below}"
        load_generator.cache_clear()
        assert load_generator(server.name).max_references == 0


@each_maker
def test_it_is_known_by_its_prefix(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{prefix}:{MAKERS[prefix].model}"
    monkeypatch.setenv(providers()[prefix].keys[0], "k")
    load_generator.cache_clear()
    assert isinstance(load_generator(name), KINDS[prefix])
    assert prefix in IMAGES_APIS
    assert fitting_profile(name) == "cloud"
    assert most_output_tokens(name) == 0, "images are paid for each"
    assert KINDS[prefix].charges


class TestMoney:
    """Images that are paid for each count as that, within the run's limit."""

    def run(
        self, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, price: float | None, scores: list[float],
        **settings: Any,
    ) -> tuple[Any, MakerServer]:  # fmt: skip
        with maker_server(prefix) as server:
            prices = tmp_path / "prices.toml"
            prices.write_text(f'"{server.name}" = {{ image = {price} }}' if price is not None else "")
            monkeypatch.setenv(PRICES, str(prices))
            load_pricing.cache_clear()
            load_generator.cache_clear()
            asked = Settings(
                home=str(tmp_path / "home"), generator=server.name, vlm="rules", mode="no_lookup", **settings
            )
            graph = build_graph(critic=ScriptedCritic(scores))
            result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=asked)
        return result, server

    @pytest.mark.parametrize("prefix", [prefix for prefix in MAKERS if prefix not in TELLING])
    def test_by_the_price_of_an_image(self, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        result, server = self.run(prefix, tmp_path, monkeypatch, 0.08, [0.9])
        (step,) = (step for step in result["trace"] if step.get("prices"))
        assert step["money"] == pytest.approx(0.08)
        assert step["tokens"] == 0
        assert (step["prices"][0]["image"], step["prices"][0]["input"]) == (0.08, None)
        assert len(server.submissions) == 1

    @pytest.mark.parametrize(("prefix", "dollars"), TELLING.items())
    def test_by_what_the_server_says(
        self, prefix: str, dollars: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        result, _ = self.run(prefix, tmp_path, monkeypatch, 9.0, [0.9])
        assert sum(step["money"] for step in result["trace"]) == pytest.approx(dollars)

    @each_job
    @pytest.mark.parametrize("broken", ["no such file", "no image"])
    def test_what_was_drawn_and_did_not_arrive_is_paid_for(
        self, prefix: str, broken: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(calling, "FIRST_WAIT", 0.01)
        charged: list[Mapping[str, float]] = []
        with maker_server(prefix) as server:
            _lose(server, empty=broken == "no image")
            load_generator.cache_clear()
            with pytest.raises((UserError, InvalidArgument)):
                load_generator(server.name).draw(OWL, DrawControl(on_charge=charged.append))
            assert len(server.submissions) == 1
        assert charged == [{"dollars": TELLING[prefix]} if prefix in TELLING else {}]

    def test_a_picture_that_did_not_arrive_counts_within_the_limit(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(calling, "FIRST_WAIT", 0.01)

        class Losing(ScriptedCritic):
            def judge(self, images: Sequence[Image.Image], prompt: str) -> list[Verdict]:
                _lose(server)
                return super().judge(images, prompt)

        with maker_server("replicate") as server:
            (tmp_path / "prices.toml").write_text(f'"{server.name}" = {{ image = 0.08 }}')
            monkeypatch.setenv(PRICES, str(tmp_path / "prices.toml"))
            load_pricing.cache_clear()
            load_generator.cache_clear()
            asked = Settings(
                home=str(tmp_path / "home"), generator=server.name, vlm="rules", mode="no_lookup", max_money=0.2
            )
            result = build_graph(critic=Losing([0.3, 0.3])).invoke(
                {"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=asked
            )
        assert sum(step["money"] for step in result["trace"]) == pytest.approx(0.16)
        assert len(server.submissions) == 2

    def test_no_image_is_begun_that_the_run_cannot_pay_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        result, server = self.run("stability", tmp_path, monkeypatch, 0.08, [0.3, 0.3, 0.3], max_money=0.2)
        assert result["stop_reason"] == "money"
        assert len(server.submissions) == 2
        assert sum(step["money"] for step in result["trace"]) == pytest.approx(0.16)

    @each_maker
    def test_no_maker_draws_beyond_the_limit(
        self, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        result, server = self.run(prefix, tmp_path, monkeypatch, 0.08, [0.3, 0.3], max_money=0.1)
        assert result["stop_reason"] == "money"
        assert len(server.submissions) == 1
        assert sum(step["money"] for step in result["trace"]) == pytest.approx(TELLING.get(prefix, 0.08))

    def test_an_unknown_price_is_not_zero(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        result, _ = self.run("stability", tmp_path, monkeypatch, None, [0.9])
        assert any(step["money"] is None for step in result["trace"])
        with pytest.raises(UserError, match=r"price of 'stability:ultra@.* is not known.*\{ image = 0.04 \}"):
            self.run("stability", tmp_path, monkeypatch, None, [], max_money=0.5)


def _lose(server: MakerServer, empty: bool = False) -> None:
    """Let jobs be done from now on whose image is not where it should be, or that have none."""
    maker = server.maker
    assert maker.done is not None
    done = maker.done(server.root + "/gone")
    server.end = answer({**done, "result": {}, "output": []} if empty else done)
    if maker.result is not None:
        server.result = answer({"images": []} if empty else maker.result(server.root + "/gone"))
