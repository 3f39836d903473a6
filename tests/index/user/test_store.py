"""A person's own pictures: added from real files, found by look and by caption, never lost by a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from imagerag.assets.library import Library
from imagerag.embedders.registry import embedded_clip
from imagerag.errors import InvalidArgument, UserError
from imagerag.graphs import build_graph
from imagerag.graphs.components import Components
from imagerag.index.user import ReadOptions, UserPictures, user_index_status
from imagerag.settings import Settings


def put(folder: Path, name: str, concept: str, which: int = 0) -> Path:
    """Save a library picture as somebody's own file."""
    library = Library()
    folder.mkdir(parents=True, exist_ok=True)
    picture = library.image(library.by_concept[concept][which])
    page = Image.new("RGB", picture.size, "white")
    page.paste(picture, mask=picture.getchannel("A"))
    page.save(folder / name)
    return folder / name


@pytest.fixture
def own(tmp_path: Path) -> UserPictures:
    return UserPictures(tmp_path / "home", embedded_clip())


def test_pictures_are_found_by_what_they_show_and_by_what_they_are_called(own: UserPictures, tmp_path: Path) -> None:
    put(tmp_path / "pictures", "DSC_1.png", "owl")
    put(tmp_path / "pictures" / "deep", "DSC_2.jpg", "lobster")
    (tmp_path / "pictures" / "deep" / "DSC_2.txt").write_text("Gerald from accounting\n", encoding="utf-8")
    outcome = own.add([tmp_path / "pictures"], reading=ReadOptions("CC0-1.0"))
    assert (outcome.added, outcome.unchanged, outcome.removed, outcome.skipped) == (2, 0, 0, [])
    owls, geralds = own.search(["an owl", "gerald from accounting"], 1)
    assert owls[0].title == "DSC 1"
    assert owls[0].licence == "CC0-1.0"
    assert Path(owls[0].path).is_file()
    assert geralds[0].title == "Gerald from accounting"
    assert geralds[0].similarity > 0.9
    assert own.search(["an owl"], 5, exclude=[owls[0].sha256])[0][0].title == "Gerald from accounting"


def test_only_what_changed_is_done_again(own: UserPictures, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    put(folder, "a.png", "owl")
    changing = put(folder, "b.png", "lobster")
    going = put(folder, "c.png", "cat")
    own.add([folder])
    assert own.add([folder]).unchanged == 3
    put(folder, "b.png", "penguin")
    os.utime(changing, ns=(1, 1))
    going.unlink()
    outcome = own.add([folder])
    assert (outcome.added, outcome.unchanged, outcome.removed) == (1, 1, 1)
    assert {hit.title for hit in own.search(["a penguin"], 9)[0]} == {"a", "b"}
    assert own.search(["a penguin"], 1)[0][0].title == "b"


def test_single_files_are_taken_together(own: UserPictures, tmp_path: Path) -> None:
    files = [put(tmp_path / "p", f"{concept}.png", concept) for concept in ("owl", "cat", "lobster")]
    assert own.add(files[:2]).added == 2
    assert len(list((own.directory / "shards").glob("*.parquet"))) == 1
    assert own.add(files).unchanged == 2
    assert own.add(files[2:]).removed == 0
    assert len(own.search(["anything"], 9)[0]) == 3


def test_what_is_no_picture_is_reported_with_its_reason(own: UserPictures, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    whole = put(folder, "whole.png", "owl").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").touch()
    (folder / "notes.md").write_text("no picture", encoding="utf-8")
    outcome = own.add([folder])
    assert outcome.added == 1
    assert {Path(entry["path"]).name for entry in outcome.skipped} == {"cut.png", "empty.jpg", "notes.md"}
    assert all(entry["reason"] for entry in outcome.skipped)


@pytest.mark.skipif(sys.platform == "win32", reason="names, pipes and links as POSIX has them")
def test_odd_files_are_reported_and_end_nothing(own: UserPictures, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    whole = put(folder, "whole.png", "owl")
    target = put(tmp_path, "target.png", "lobster")
    (folder / "link.png").symlink_to(target)
    with open(os.fsencode(folder) + b"/caf\xe9.png", "wb") as file:
        file.write(whole.read_bytes())
    os.mkfifo(folder / "pipe.png")
    first = own.add([folder])
    assert first.added == 2
    assert {Path(entry["path"]).name for entry in first.skipped} == {"pipe.png", "caf\\udce9.png"}
    json.dumps(first.skipped).encode("utf-8")
    target.unlink()
    second = own.add([folder])
    assert (second.added, second.unchanged) == (0, 1)
    assert "link.png" in {Path(entry["path"]).name for entry in second.skipped}
    assert {hit.title for hit in own.search(["anything"], 9)[0]} == {"whole"}


def test_a_licence_given_later_is_taken_over(own: UserPictures, tmp_path: Path) -> None:
    put(tmp_path / "p", "a.png", "owl")
    own.add([tmp_path / "p"])
    assert own.add([tmp_path / "p"], reading=ReadOptions("CC0-1.0")).added == 1
    assert own.search(["an owl"], 1)[0][0].licence == "CC0-1.0"
    assert own.add([tmp_path / "p"]).unchanged == 1
    assert own.search(["an owl"], 1)[0][0].licence == "CC0-1.0"


def test_a_found_picture_outlives_its_file_and_one_never_found_does_not(own: UserPictures, tmp_path: Path) -> None:
    kept = put(tmp_path / "p", "kept.png", "owl")
    own.add([tmp_path / "p"])
    (hit,) = own.search(["an owl"], 1)[0]
    kept.unlink()
    assert own.image(hit.sha256).size == (128, 128)
    with pytest.raises(InvalidArgument):
        own.image("0" * 64)
    lost = put(tmp_path / "q", "lost.png", "cat")
    own.add([tmp_path / "q"])
    lost.unlink()
    assert [hit.title for hit in own.search(["a cat"], 2)[0]] == ["kept"]


def test_chromas_files_are_a_copy_that_can_be_lost(own: UserPictures, tmp_path: Path) -> None:
    put(tmp_path / "p", "a.png", "owl")
    own.add([tmp_path / "p"])
    own.close()
    for file in sorted(own.directory.rglob("*.sqlite3")):
        file.write_bytes(b"garbage")
    again = UserPictures(own.directory.parent, embedded_clip())
    assert again.search(["an owl"], 1)[0][0].title == "a"


def test_the_agents_look_up_searches_both(own: UserPictures, tmp_path: Path) -> None:
    put(tmp_path / "p", "my own owl.png", "owl")
    own.add([tmp_path / "p"])
    own.close()
    hits = Components(Settings(home=str(tmp_path / "home"))).index.search(["my own owl"], 5)[0]
    assert hits[0].set == "own"
    assert {hit.set for hit in hits} > {"own"}
    assert [hit.similarity for hit in hits] == sorted((hit.similarity for hit in hits), reverse=True)


def test_a_thing_that_only_its_owner_has_a_name_for_is_drawn(own: UserPictures, tmp_path: Path) -> None:
    put(tmp_path / "p", "blorple.png", "flamingo")
    own.add([tmp_path / "p"])
    own.close()
    result = build_graph().invoke(
        {"prompt": "a blorple", "seed": 3},
        {"configurable": {"thread_id": "blorple"}},
        context=Settings(home=str(tmp_path / "home")),
    )
    first, best = result["images"][0], result["image"]
    assert "blorple" in first["verdict"]["missing"]
    (mine,) = [reference for reference in result["references"] if reference["source"].endswith("blorple.png")]
    assert mine["id"] in best["references"]
    assert best["score"] > first["score"] + 0.1


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    concepts = list(Library().by_concept)[:150]
    for number, concept in enumerate(concepts):
        put(tmp_path / "p", f"{number}.png", concept)
    command = [sys.executable, "-m", "imagerag", "index", "add", str(tmp_path / "p"), "--json"]
    home = tmp_path / "home"
    environment = {**os.environ, "IMAGERAG_HOME": str(home)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    shards = home / "own" / "shards"
    while process.poll() is None and not list(shards.glob("*.parquet")):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = user_index_status(home)["files"]
    assert isinstance(before, int)
    assert before >= 1
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    outcome = json.loads(done.stdout)
    assert outcome["unchanged"] == before
    assert outcome["added"] == 150 - before
    assert user_index_status(home)["files"] == 150
    own = UserPictures(home, embedded_clip())
    assert len(own.search(["anything"], 200)[0]) == user_index_status(home)["images"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["index", "add"], "needs a folder"),
        (["index", "add", "/no/such/folder"], "'/no/such/folder' does not exist"),
        (["index", "add", ".", "--engine", "spark"], "engine 'spark' is unknown"),
        (["index", "status", "x"], "'x' is of no use"),
        (["search", "an owl", "-k", "0"], "k 0 is below 1"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], says: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "imagerag", *arguments, "--home", str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_another_models_pictures_are_refused_with_the_way_out(own: UserPictures, tmp_path: Path) -> None:
    put(tmp_path / "p", "a.png", "owl")
    own.add([tmp_path / "p"])

    class Other:
        """The same model by another name."""

        model_id = "another"
        dimension = own.embedder.dimension
        embed_texts = own.embedder.embed_texts
        embed_images = own.embedder.embed_images

    other = UserPictures(own.directory.parent, Other())
    with pytest.raises(UserError, match="imagerag index add"):
        other.search(["an owl"], 1)
    assert other.add([tmp_path / "p"]).added == 1
    assert other.search(["an owl"], 1)[0][0].title == "a"
