"""What version 0.1 wrote is read by this one: a data directory, PNG files, a settings file and a recording.

``tests/data/home-0.1.tar.xz`` was written by 0.1 in /srv/imagerag: three pictures indexed, two turns of the thread
``sea`` at the command line, a drawing and an open question of a server's client, and a run recorded with a scripted
model. The bundled library's index is left out, since it is large and made anew where it is missing.
"""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagerag.cli.main import run
from imagerag.errors import UserError
from imagerag.server.service import Service
from imagerag.server.thread_history import LOCAL
from imagerag.settings import Settings, load_settings
from imagerag.store.images import ImageStore
from imagerag.store.manifest import read_manifest
from testing.served_runs import run_recorded

pytestmark = pytest.mark.slow

ARCHIVE = Path(__file__).parents[1] / "data" / "home-0.1.tar.xz"
CLIENT = "client-a"
QUESTION = "kc6qj0KesS_Q8l8Z-Fqk_A"
"""The run of that client which asks about its redraw."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that 0.1 has written, somewhere else than it was."""
    folder = tmp_path_factory.mktemp("version-0.1")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def service(written: Path) -> Iterator[Service]:
    """A server over its data directory."""
    opened = Service(Settings(home=str(written / "home")))
    yield opened
    opened.close()


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> object:
    """Return the JSON that a command prints."""
    status = run([*arguments, "--json"])
    printed = capsys.readouterr()
    assert status == 0, printed.err
    return json.loads(printed.out)


def test_settings_file(written: Path) -> None:
    settings = load_settings(environ={}, file=written / "settings.toml")
    assert (settings.seed, settings.n, settings.max_generations, settings.lookup_floor) == (11, 1, 2, 0.5)
    assert (settings.mode, settings.mcp_allow) == ("auto", ("find_pictures",))


def test_manifests_and_images(written: Path) -> None:
    first, second = (read_manifest(written / "out" / f"a-lobster-in-a-kimono-{number}.png") for number in (1, 2))
    assert (first.prompt, first.seed, first.references) == ("a lobster in a kimono", 5, ())
    assert [reference.concept for reference in second.references] == ["kimono", "kimono"]
    stored = [path.stem for path in (written / "home" / "images").rglob("*.png")]
    store = ImageStore(written / "home")
    assert len(stored) == 4
    assert {store.open(sha256).size for sha256 in stored} == {(128, 128)}


@pytest.mark.parametrize("number", [1, 2])
def test_the_same_pixels_are_drawn_again(written: Path, capsys: pytest.CaptureFixture[str], number: int) -> None:
    file = written / "out" / f"a-lobster-in-a-kimono-{number}.png"
    status = run(["replay", str(file), "--home", str(written / "home"), "--json"])
    compared = json.loads(capsys.readouterr().out)
    # Another processor drew it, and sums in another order: seen so far, one pixel that is another by 1.
    assert compared["greatest_difference"] <= 1
    assert compared["differing_pixels"] <= 4
    assert status == (0 if compared["identical"] else 1)


def test_own_pictures_are_searched_without_being_embedded_again(
    written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = str(written / "home")
    shards = sorted((written / "home" / "own" / "shards").iterdir())
    found = command(capsys, "search", "a blue tent", "-k", "1", "--where", "licence=CC0-1.0", "--home", home)
    assert [(hit["caption"], hit["licence"]) for hit in found] == [("a blue tent by the sea", "CC0-1.0")]  # type: ignore[attr-defined]
    assert run(["index", "verify", "--home", home]) == 0
    assert sorted((written / "home" / "own" / "shards").iterdir()) == shards


def test_a_thread_of_the_command_line_goes_on(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("go back to the first one and make it red", "--thread", "sea", "--home", str(written / "home"))
    document = command(capsys, *arguments, "--max-generations", "1")
    assert isinstance(document, dict)
    assert document["prompt"] == "a red lobster wearing a kimono"


def test_threads_and_files_of_a_servers_client(service: Service) -> None:
    assert service.threads.state(LOCAL, "sea")["turn"] >= 2
    state = service.threads.state(CLIENT, "birds")
    assert (state["prompt"], state["image"]["seed"]) == ("an owl", 3)
    assert {entry.title for entry in service.latest(CLIENT)} == {"an owl", "me.png"}
    (of_owl,) = (entry for entry in service.latest(CLIENT) if entry.title == "an owl")
    assert service.file(of_owl).startswith(b"\x89PNG")
    assert [name for name, _ in service.database.threads(CLIENT)] == ["birds"]


def test_an_open_question_is_answered(service: Service) -> None:
    waiting = service.run(QUESTION, CLIENT)
    assert waiting is not None
    assert waiting.question is not None
    assert waiting.status == "asking"
    service.decide(waiting, waiting.question["chosen"])
    assert waiting.wait(300)
    assert waiting.error is None
    assert waiting.output is not None
    assert waiting.output["image"] is not None
    assert [reference["concept"] for reference in waiting.output["references"]] == ["kimono", "kimono"]


def test_a_recording_is_played_back(written: Path, tmp_path: Path) -> None:
    name = f"replay:{written / 'run.jsonl'}"
    played = run_recorded(tmp_path, scores=(0.1, 0.9), vlm=name)  # as its critic told then
    assert (played["image"]["seed"], played["stop_reason"], played["verdict"]["score"]) == (22, "satisfied", 0.9)
    assert played["image"]["sha256"] == "6cb9908d73c3360daf587a3671efe82f2406e3f81336a8052173d5d108bf7729"


def test_verdicts_of_a_recording_are_refused_in_one_line(written: Path, tmp_path: Path) -> None:
    name = f"replay:{written / 'run.jsonl'}"
    says = r"exchange 2 of recording .*run\.jsonl' \(critic\) was another request: .* replay with the .* version"
    with pytest.raises(UserError, match=says) as refused:
        run_recorded(tmp_path, vlm=name, critic=name)
    assert "\n" not in str(refused.value)


def test_the_archive_holds_no_index_of_the_bundled_library() -> None:
    with tarfile.open(fileobj=io.BytesIO(ARCHIVE.read_bytes())) as archive:
        names = archive.getnames()
    assert "./home/threads.sqlite" in names
    assert not [name for name in names if name.startswith("./home/index")]
