"""``imagerag threads``: what conversations there are, shown, renamed, deleted, and taken along."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from imagerag.cli.main import run
from imagerag.server.run import RunRequest
from imagerag.server.thread_history import LOCAL
from imagerag.server.web.conversation_routes import ConversationRoutes
from imagerag.store.manifest import read_manifest
from testing.servers import scripted_service

Typed = Callable[..., tuple[int, str, str]]


def drawn(home: Path, **requests: list[str]) -> None:
    """Draw these requests, each in the conversation of that name."""
    service = scripted_service(home)
    for thread, prompts in requests.items():
        for prompt in prompts:
            assert service.create(LOCAL, RunRequest(prompt, thread=thread, seed=7)).wait(30)
    service.create("client", RunRequest("a secret", thread="theirs")).wait(30)
    service.close()


@pytest.fixture
def typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    def type_in(*words: str) -> tuple[int, str, str]:
        status = run(["threads", *words, "--home", str(tmp_path / "home")])
        told = capsys.readouterr()
        return status, told.out, told.err

    return type_in


def test_conversations_are_listed_and_shown(tmp_path: Path, typed: Typed) -> None:
    assert typed("list")[1].startswith("there is no conversation yet")
    drawn(tmp_path / "home", sea=["an owl", "now make it red"], land=["a cat"])
    status, out, _ = typed("list")
    assert (status, [line.split()[0] for line in out.splitlines()]) == (0, ["land", "sea"])
    assert "2 turns, 2 images" in out
    assert "a red owl" in out
    assert typed()[1] == out, "list is what is meant"
    listed = json.loads(typed("list", "--json")[1])
    assert [(one["name"], one["turns"], one["images"]) for one in listed] == [("land", 1, 1), ("sea", 2, 2)]
    _, out, _ = typed("show", "sea")
    for told in ("1  an owl", "2  now make it red", "drawn: a red owl", "image-2  score 0.90, seed 7, the best"):
        assert told in out
    turns = json.loads(typed("show", "sea", "--json")[1])["turns"]
    assert [(turn["request"], turn["best"], turn["stop_reason"]) for turn in turns] == [
        ("an owl", "image-1", "satisfied"),
        ("now make it red", "image-2", "satisfied"),
    ]


def test_a_branch_is_shown_with_the_turns_that_it_copies(tmp_path: Path, typed: Typed) -> None:
    drawn(tmp_path / "home", sea=["an owl", "now make it red"])
    service = scripted_service(tmp_path / "home")
    service.threads.branch(LOCAL, "sea", "copy")
    service.close()
    turns = json.loads(typed("show", "copy", "--json")[1])["turns"]
    assert [(turn["request"], turn["best"]) for turn in turns] == [
        ("an owl", "image-1"),
        ("now make it red", "image-2"),
    ]


def test_a_conversation_goes_on_under_another_name(tmp_path: Path, typed: Typed) -> None:
    drawn(tmp_path / "home", sea=["an owl"], land=["a cat"])
    assert typed("rename", "sea", "ocean")[:2] == (0, "'sea' is called 'ocean' now\n")
    drawn(tmp_path / "home", ocean=["now make it red"])
    listed = json.loads(typed("list", "--json")[1])
    assert [(one["name"], one["prompt"]) for one in listed] == [("ocean", "a red owl"), ("land", "a cat")]
    for new, says in (("land", "there is a conversation 'land' already"), ("a/b", "is not a name")):
        status, _, err = typed("rename", "ocean", new)
        assert status == 2
        assert says in err


@pytest.mark.slow
def test_what_is_deleted_is_gone_and_nothing_else(tmp_path: Path, typed: Typed) -> None:
    drawn(tmp_path / "home", sea=["an owl"], land=["a cat"], sky=["a kite"])
    status, _, err = typed("delete", "sea", "nowhere")
    assert (status, "there is no conversation 'nowhere'" in err) == (2, True)
    assert len(json.loads(typed("list", "--json")[1])) == 3, "all or none"
    assert json.loads(typed("delete", "sea", "land", "sea", "--json")[1]) == {"deleted": ["sea", "land"]}
    assert [one["name"] for one in json.loads(typed("list", "--json")[1])] == ["sky"]
    service = scripted_service(tmp_path / "home")
    assert [entry.thread for entry in service.latest(LOCAL)] == ["sky"]
    assert service.threads.state("client", "theirs")["prompt"] == "a secret"
    service.close()


def test_a_conversation_is_taken_along(tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    drawn(tmp_path / "home", sea=["<b>an owl</b>", "now make it red"])
    told = json.loads(typed("export", "sea", "--json")[1])
    folder = tmp_path / "sea"
    assert told["folder"] == str(folder)
    assert sorted(path.name for path in folder.iterdir())[2:] == ["conversation.html", "conversation.json"]
    assert [read_manifest(file).seed for file in told["images"]] == [7, 7]
    page = (folder / "conversation.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;an owl&lt;/b&gt;" in page
    assert "<b>" not in page
    text = (folder / "conversation.json").read_text(encoding="utf-8")
    assert str(tmp_path) not in page + text, "where things are on this machine is nobody's business"
    names = [image["path"] for turn in json.loads(text)["turns"] for image in turn["images"]]
    assert all((folder / name).is_file() for name in names)
    assert "sea-2" in typed("export", "sea")[1], "none is written over"
    assert "other" in typed("export", "sea", "--out", "other")[1]


@pytest.mark.parametrize("words", [["show", "sea"], ["rename", "sea", "x"], ["delete", "sea"], ["export", "sea"]])
def test_one_that_is_not_there_is_told(words: list[str], typed: Typed) -> None:
    status, _, err = typed(*words)
    assert (status, "there is no conversation 'sea'; those there are: imagerag threads list" in err) == (2, True)


def test_a_link_in_a_foreign_image_store_is_no_image(
    tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would bring any file of this machine into a folder that is given away."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    drawn(tmp_path / "home", sea=["an owl", "now make it red"])
    secret = tmp_path / "secret"
    secret.write_text("a secret")
    images = json.loads(typed("show", "sea", "--json")[1])["turns"]
    linked = Path(images[0]["images"][0]["path"])
    linked.unlink()
    linked.symlink_to(secret)
    status, out, err = typed("export", "sea")
    assert status == 0, err
    assert "image-1 is left out" in out
    service = scripted_service(tmp_path / "home")
    packed, _ = ConversationRoutes(service)._packed(LOCAL, "sea")
    service.close()
    assert len(list((tmp_path / "here" / "sea").glob("*.png"))) == 1
    assert all("a secret" not in file.read_text("latin-1") for file in (tmp_path / "here" / "sea").iterdir())
    with zipfile.ZipFile(packed) as archive:
        assert all(b"a secret" not in archive.read(name) for name in archive.namelist())


def test_an_image_of_a_foreign_thread_names_no_place_outside_the_folder(
    tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    drawn(tmp_path / "home", sea=["an owl"])
    service = scripted_service(tmp_path / "home")
    config = service.threads.config(LOCAL, "sea")
    image = {**service.threads.state(LOCAL, "sea")["all_images"][0], "id": "image-../../outside/evil"}
    (tmp_path / "outside").mkdir()
    service.graph.update_state(config, {"all_images": [image]}, as_node="finish")
    conversations = ConversationRoutes(service)
    packed, _ = conversations._packed(LOCAL, "sea")
    service.close()
    with zipfile.ZipFile(packed) as archive:
        assert all("/" not in name and ".." not in name for name in archive.namelist())
    status, _, err = typed("export", "sea")
    assert status == 0, err
    assert list((tmp_path / "outside").iterdir()) == []
    assert any("evil" in file.name for file in (tmp_path / "here" / "sea").iterdir())
