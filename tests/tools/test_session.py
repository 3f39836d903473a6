"""The images of one batch: one that can't be stored takes none of the others with it."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.errors import BudgetExceeded, DrawingFailed, UserError
from imagerag.generators.base import UNCONTROLLED, DrawControl, Drawing, DrawRequest
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.components import Components, InjectedComponents
from imagerag.lora import AppliedLora
from imagerag.settings import Settings
from imagerag.store.images import ImageStore
from imagerag.store.manifest import read_manifest
from imagerag.tools.session import ToolSession
from testing.openai_server import Reply, serving
from testing.scripted import ScriptedCritic, Squares
from testing.scripted_runs import thread
from testing.servers import Shelf
from testing.stored_images import REFERENCE


class FullDisk(ImageStore):
    """Has no room for the images of some places in the order in which they are stored."""

    def __init__(self, home: Path, without: set[int]) -> None:
        super().__init__(home)
        self._without = without
        self._asked = 0

    def put(self, *arguments: Any, **named: Any) -> Any:
        self._asked += 1
        if self._asked in self._without:
            raise UserError("'x.png' can't be written (No space left on device); make room there")
        return super().put(*arguments, **named)


def draw(home: Path, without: set[int], notes: list[str]) -> Any:
    graph = build_graph(
        critic=ScriptedCritic([0.9] * 4), generator=Squares(), index=Shelf(), store=FullDisk(home, without)
    )
    values: Any = None
    context = Settings(home=str(home), n=4, seed=7)
    for kind, chunk in graph.stream({"prompt": "an owl"}, thread(), context=context, stream_mode=["custom", "values"]):
        if kind == "values":
            values = chunk
        elif chunk["event"] == "note":
            notes.append(chunk["text"])
    return values


@pytest.mark.parametrize(("without", "seeds"), [({4}, [7, 8, 9]), ({2, 3}, [7, 10]), ({1}, [8, 9, 10])])
def test_images_that_could_be_stored_are_kept(tmp_path: Path, without: set[int], seeds: list[int]) -> None:
    notes: list[str] = []
    result = draw(tmp_path, without, notes)
    assert [image["seed"] for image in result["images"]] == seeds
    assert result["image"]["seed"] == seeds[0]
    assert [note for note in notes if "is lost" in note] == [
        f"image {number} of 4 (seed {6 + number}) is lost: 'x.png' can't be written (No space left on device); make "
        "room there"
        for number in sorted(without)
    ]


def test_where_none_could_be_stored_the_person_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"'x\.png' can't be written \(No space left on device\)"):
        draw(tmp_path, {1, 2, 3, 4}, [])


class SquaresWithLora(Squares):
    """Says that it draws with LoRA weights."""

    loras = (AppliedLora("style.safetensors", "0" * 64, 0.8),)


def test_the_manifest_has_size_and_loras_and_a_state_may_ask_for_a_size(tmp_path: Path) -> None:
    generator, notes = SquaresWithLora(), []
    graph = build_graph(critic=ScriptedCritic([0.9] * 2), generator=generator, index=Shelf())
    drawn = []
    for asked in ({"prompt": "an owl", "size": "2:1"}, {"prompt": "an owl"}):
        context = Settings(home=str(tmp_path), size="64x48")
        for kind, chunk in graph.stream(asked, thread(), context=context, stream_mode=["custom", "values"]):
            if kind == "values":
                values = chunk
            elif chunk["event"] == "note":
                notes.append(chunk["text"])
        drawn.append(read_manifest(values["image"]["path"]))
    assert [manifest.size for manifest in drawn] == ["2:1", "64x48"]
    assert [str(request.size) for request in generator.requests] == ["2:1", "64x48"]
    assert [(lora.name, lora.weight) for lora in drawn[0].loras] == [("style.safetensors", 0.8)]
    assert notes.count("drawn at 16x16 and cropped to 16x8, since 2:1 is asked for") == 1
    with pytest.raises(UserError, match="size '5' of the request is not text"):
        graph.invoke({"prompt": "an owl", "size": 5}, thread(), context=Settings(home=str(tmp_path)))
    with pytest.raises(UserError, match="size 'wide' is not WIDTHxHEIGHT"):
        graph.invoke({"prompt": "an owl", "size": "wide"}, thread(), context=Settings(home=str(tmp_path)))


@pytest.mark.parametrize(
    ("named", "way_out"),
    [("patchwork", "raise max_seconds"), ("openai:m@http://h/v1", "see that it answers, or raise max_seconds")],
)
def test_whose_drawing_the_time_ran_out_in_is_told(named: str, way_out: str, tmp_path: Path) -> None:
    class Silent(Squares):
        name = named

        def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
            raise BudgetExceeded("seconds", 4.0, 4.0)

    told: list[Any] = []
    session = ToolSession(
        Components(Settings(home=str(tmp_path)), InjectedComponents(generator=Silent())), emit=told.append
    )
    with pytest.raises(BudgetExceeded) as stopped:
        session.draw("an owl")
    assert [event["text"] for event in told] == [f"{named!r} was still drawing when the time ran out; {way_out}"]
    cause = f"{named!r} was still drawing; {way_out}" if "see that" in way_out else ""
    assert stopped.value.cause == cause


def test_a_reference_is_cropped_to_its_concept_and_the_manifest_has_the_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imagerag.graphs.components.concept_region", lambda *args: (100, 100, 200, 200))
    told: list[Any] = []
    parts = InjectedComponents(generator=(squares := Squares()), index=Shelf())
    for isolation, region in (("crop", (100, 100, 200, 200)), ("none", None), (None, None)):
        session = ToolSession(Components(Settings(home=str(tmp_path), isolation=isolation), parts), emit=told.append)
        found = session.add_references("owl", "an owl", Shelf().search(["an owl"], 1)[0])
        (drawn,) = session.draw("an owl", found, 0.5)
        assert session.components.store.manifest(drawn["sha256"]).references[0].region == region
        assert squares.requests[-1].references[0].image.size == ((100, 100) if region else (300, 300))
    notes = [event["text"] for event in told if event["event"] == "note" and "cropped" in event["text"]]
    assert notes == [
        "ref-1 is cropped to 100x100 of its 300x300 pixels, where 'owl' is; --isolation none leaves it whole"
    ]


def test_a_reference_is_worded_instead_of_shown_and_the_manifest_says_so(tmp_path: Path) -> None:
    told: list[Any] = []
    parts = InjectedComponents(generator=(squares := Squares()), index=Shelf("a barn owl"))
    session = ToolSession(Components(Settings(home=str(tmp_path), isolation="words"), parts), emit=told.append)
    found = session.add_references("owl", "an owl", Shelf("a barn owl").search(["an owl"], 2)[0])
    (drawn,) = session.draw("an owl and a cat", found, 0.5)
    request = squares.requests[-1]
    assert (request.prompt, request.references) == ("an owl and a cat; the owl: a barn owl", ())
    assert request.reference_scale == 0.0
    manifest = session.components.store.manifest(drawn["sha256"])
    assert manifest.prompt == request.prompt
    assert [one.worded for one in manifest.references] == ["a barn owl"] * 2
    assert drawn["references"] == ["ref-1", "ref-2"], "whom to thank is told all the same"
    assert (drawn["prompt"], manifest.reference_scale) == ("an owl and a cat", 0.0)
    assert any(
        "ref-1 is not shown to the generator but worded: 'a barn owl'" in event.get("text", "") for event in told
    )


@pytest.mark.parametrize(("isolation", "flags"), [("crop", (False, False)), ("mask", (False, True))])
def test_a_model_that_takes_images_says_where_the_concept_is(
    tmp_path: Path, isolation: str, flags: tuple[bool, bool]
) -> None:
    place = Reply('{"whole": false, "left": 100, "top": 200, "right": 600, "bottom": 800}')
    parts = InjectedComponents(generator=(squares := Squares()), index=Shelf())
    with serving([place]) as server:
        settings = Settings(home=str(tmp_path), isolation=isolation, isolation_by="vlm", critic=server.name)  # type: ignore[arg-type]
        session = ToolSession(Components(settings, parts))
        found = session.add_references("owl", "an owl", Shelf().search(["an owl"], 1)[0])
        (drawn,) = session.draw("an owl", found, 0.5)
        (asked,) = server.requests
    kept = session.components.store.manifest(drawn["sha256"]).references[0]
    assert (kept.region, (kept.cut_out, kept.masked)) == ((30, 60, 180, 240), flags)
    assert "called" in str(asked["messages"])
    assert squares.requests[-1].references[0].image.size == ((300, 300) if isolation == "mask" else (150, 180))


def test_where_that_model_gives_no_box_clip_does_and_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imagerag.graphs.components.concept_region", lambda *args: (100, 100, 200, 200))
    told: list[Any] = []
    parts = InjectedComponents(generator=Squares(), index=Shelf())
    with serving([Reply("I can't tell")] * 9) as server:
        settings = Settings(home=str(tmp_path), isolation="crop", isolation_by="vlm", critic=server.name)
        session = ToolSession(Components(settings, parts, emit=told.append), emit=told.append)
        found = session.add_references("owl", "an owl", Shelf().search(["an owl"], 1)[0])
        (drawn,) = session.draw("an owl", found, 0.5)
    assert session.components.store.manifest(drawn["sha256"]).references[0].region == (100, 100, 200, 200)
    assert any("'owl' is looked for by CLIP" in event.get("text", "") for event in told)


def test_a_subject_is_drawn_with_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagerag.graphs.components.concept_region", lambda *args: (100, 100, 200, 200))
    parts = InjectedComponents(generator=(squares := Squares()), index=Shelf())
    session = ToolSession(Components(Settings(home=str(tmp_path), isolation="crop"), parts))
    (own,) = session.add_references("cat", "my cat", Shelf().search(["my cat"], 1)[0])
    session.draw("a cat", [{**own, "kind": "subject", "sha256": session.components.store.put_user_image(
        Shelf().image("1" * 64)).sha256}], 0.5)  # fmt: skip
    assert squares.requests[-1].references[0].image.size == (300, 300)


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({"licence": "CC-BY-4.0", "link": "https://x.org/1"}, True),
        ({"licence": "CC-BY-NC-4.0", "link": "https://x.org/1"}, False),
        ({"licence": "unknown", "link": "https://x.org/1"}, False),
        ({"licence": "unknown"}, True),
        ({"licence": "CC BY-NC 2.0"}, False),
        ({"licence": "CC-BY-NC-4.0", "kind": "subject"}, True),
    ],
)
def test_what_may_not_be_drawn_with_is_refused_however_it_came_into_the_thread(
    tmp_path: Path, changes: dict[str, str], allowed: bool
) -> None:
    store = ImageStore(tmp_path)
    stored = store.put_user_image(Image.new("RGB", (8, 8), "red"))
    kind = {"kind": "fetched", "sha256": stored.sha256, "path": str(stored.path)}
    reference: Any = {**REFERENCE, **kind, **changes}

    def session(*licences: str) -> ToolSession:
        settings = Settings(home=str(tmp_path), licences=licences)
        return ToolSession(Components(settings, InjectedComponents(generator=Squares())))

    assert len(session("any").draw("an owl", [reference], 0.5)) == 1
    if allowed:
        assert len(session().draw("an owl", [reference], 0.5)) == 1
    else:
        with pytest.raises(DrawingFailed, match=r"may not be drawn with: of other people's pictures this run takes"):
            session().draw("an owl", [reference], 0.5)
