"""Looking things up among many own pictures: filters, words, near-duplicates, variety; and the copy that Chroma is."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imagerag.embedders.registry import embedded_clip
from imagerag.errors import UserError
from imagerag.graphs import build_graph
from imagerag.index.user import UserPictures, parse_where, rebuild_user_index, verify_user_index
from imagerag.index.user.search import fuse, most_relevant
from imagerag.index.user.shards import Shards
from imagerag.settings import Settings
from tests.index.user.test_store import put


@pytest.fixture
def own(tmp_path: Path) -> UserPictures:
    return UserPictures(tmp_path / "home", embedded_clip())


def listed(folder: Path, rows: list[dict[str, str]]) -> str:
    (folder / "list.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return f"jsonl:{folder}/list.jsonl"


def test_only_what_fits_the_filter_is_found(own: UserPictures, tmp_path: Path) -> None:
    rows = []
    for concept, licence in (("owl", "CC0-1.0"), ("rooster", "CC-BY-4.0"), ("penguin", "CC0-1.0")):
        put(tmp_path, f"{concept}.png", concept)
        rows.append({"path": f"{concept}.png", "caption": f"a {concept}", "licence": licence, "title": concept.upper()})
    own.add([listed(tmp_path, rows)])

    def titles(*where: str) -> set[str]:
        return {hit.title for hit in own.search(["a bird"], 9, where=parse_where(where))[0]}

    assert titles() == {"a owl", "a rooster", "a penguin"}
    assert titles("licence=cc0-1.0") == {"a owl", "a penguin"}
    assert titles("licence=CC0-1.0", "title~ENG") == {"a penguin"}
    assert titles("source~rooster") == {"a rooster"}
    assert titles("licence=MIT") == set()
    with pytest.raises(UserError, match="licence, caption, title, source"):
        parse_where(["colour=red"])


def test_words_of_captions_are_found_that_the_model_would_not_rank_first(own: UserPictures, tmp_path: Path) -> None:
    rows = []
    for concept, caption in (("owl", "inventory 4711"), ("rooster", "inventory 4712"), ("penguin", "inventory 4713")):
        put(tmp_path, f"{concept}.png", concept)
        rows.append({"path": f"{concept}.png", "caption": caption})
    own.add([listed(tmp_path, rows)])
    for caption in ("inventory 4711", "inventory 4712", "inventory 4713"):
        assert own.search([caption], 1, fused=True)[0][0].title == caption


def test_near_duplicates_are_flagged_and_folded(own: UserPictures, tmp_path: Path) -> None:
    put(tmp_path / "p", "owl.png", "owl")
    put(tmp_path / "p", "owl smaller.jpg", "owl")
    put(tmp_path / "p", "cat.png", "cat")
    outcome = own.add([tmp_path / "p"])
    (pair,) = outcome.duplicates
    assert {Path(pair["path"]).name, Path(pair["like"]).name} == {"owl.png", "owl smaller.jpg"}
    assert len(own.search(["an owl"], 3)[0]) == 3
    folded = own.search(["an owl"], 3, fold=True)[0]
    assert len(folded) == 2
    assert sum(hit.title.startswith("owl") for hit in folded) == 1


def test_variety_takes_the_unlike_before_the_copies() -> None:
    vectors = np.array([[1, 0, 0], [0.999, 0.0447, 0], [0.99, 0, 0.141], [0, 1, 0]], np.float32)
    assert most_relevant(vectors, 2, 0.0) == [0, 1]
    assert most_relevant(vectors, 2, 0.7) == [0, 3]


def test_what_looks_like_the_subject_comes_first(own: UserPictures, tmp_path: Path) -> None:
    put(tmp_path / "p", "one.png", "owl", 0)
    subject = put(tmp_path / "p", "two.png", "owl", 1)
    put(tmp_path / "p", "cat.png", "cat", 0)
    own.add([tmp_path / "p"])
    with Image.open(subject) as picture:
        first = own.search(["an owl"], 3, like=picture)[0][0]
        assert first.title == "two"


def test_fusing_ranks_goes_by_the_sum_of_reciprocals() -> None:
    score = fuse([["a", "b"], ["b", "c"]])
    assert sorted(score, key=lambda key: -score[key]) == ["b", "a", "c"]
    assert score["b"] == pytest.approx(1 / 62 + 1 / 61)


def test_below_the_floor_the_agent_is_told_that_there_is_nothing(tmp_path: Path) -> None:
    result = build_graph().invoke(
        {"prompt": "zqxvw grmpfl", "seed": 1},
        {"configurable": {"thread_id": "nothing"}},
        context=Settings(home=str(tmp_path / "home"), mode="lookup_first"),
    )
    assert result["references"] == []
    assert result["image"] is not None
    said = [str(message.content) for message in result["messages"] if message.type == "tool"]
    assert any("the library has nothing for" in text for text in said)


def test_what_chroma_has_lost_is_noticed_and_made_again_without_a_model(own: UserPictures, tmp_path: Path) -> None:
    for concept in ("owl", "lobster", "cat"):
        put(tmp_path / "p", f"{concept}.png", concept)
    own.add([tmp_path / "p"])
    home, model = tmp_path / "home", own.embedder.model_id
    assert verify_user_index(home, model)["problems"] == []
    assert verify_user_index(home, model)["recall"] == 1
    own._collections.pictures.delete(ids=own._collections.pictures.get(limit=1, include=[])["ids"])
    own.close()
    assert verify_user_index(home, model)["problems"]
    rebuild_user_index(home)
    assert verify_user_index(home, model)["problems"] == []
    assert {hit.title for hit in own.search(["anything"], 9)[0]} == {"owl", "lobster", "cat"}


def test_many_small_shards_become_one_and_readers_keep_what_they_read(own: UserPictures, tmp_path: Path) -> None:
    reader = UserPictures(tmp_path / "home", embedded_clip())
    for number, concept in enumerate(("owl", "lobster", "cat", "penguin")):
        put(tmp_path / "p", f"{number}.png", concept)
        own.add([tmp_path / "p"])
    shards = Shards(own.directory / "shards")
    before = reader.snapshot()
    assert len(shards.live()) == 4
    from imagerag.index.user.snapshot import merge

    merge(shards, shards.models())
    assert len(shards.live()) == 1
    assert before.vectors(range(4)).shape == (4, own.embedder.dimension)  # what was read is still there
    after = reader.snapshot()
    assert after.by_key == before.by_key
    assert np.array_equal(after.vectors(range(4)), before.vectors(range(4)))
    assert len(reader.search(["an owl"], 9)[0]) == 4


def test_some_vectors_of_a_large_shard_are_those_of_their_rows(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    vectors = random.standard_normal((1500, 8)).astype(np.float32)
    shards = Shards(tmp_path)
    shard = shards.write("0" * 8, {"key": [str(at) for at in range(1500)], "embedding": vectors})
    for rows in (random.permutation(1500)[:40], np.array([1499, 0, 512, 511]), np.arange(1500)):
        assert np.array_equal(shards.vectors(shard, rows.astype(np.int32), "embedding"), vectors[rows])


def test_a_reader_sees_what_another_process_adds(own: UserPictures, tmp_path: Path) -> None:
    put(tmp_path / "p", "owl.png", "owl")
    own.add([tmp_path / "p"])
    assert len(own.search(["a bird"], 9)[0]) == 1
    put(tmp_path / "p", "cat.png", "cat")
    put(tmp_path / "p", "lobster.png", "lobster")
    command = [sys.executable, "-m", "imagerag", "index", "add", str(tmp_path / "p"), "--home", str(tmp_path / "home")]
    subprocess.run(command, check=True, capture_output=True)
    assert {hit.title for hit in own.search(["a bird"], 9)[0]} == {"owl", "cat", "lobster"}


def test_a_search_changes_no_file(own: UserPictures, tmp_path: Path) -> None:
    put(tmp_path / "p", "owl.png", "owl")
    own.add([tmp_path / "p"])
    own.search(["an owl"], 1)
    own.close()
    for file in own.directory.glob("applied-*.json"):
        file.unlink()  # as after a kill between shard and Chroma

    def there() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in own.directory.rglob("*") if path.is_file()}

    before = there()
    reader = UserPictures(tmp_path / "home", embedded_clip())
    assert reader.search(["an owl"], 1)[0][0].title == "owl"
    assert there() == before


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A real ``chroma run``, on a port that was free."""
    import socket
    import urllib.request

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).parent / "chroma"), "run", "--path", str(tmp_path / "served")]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/heartbeat", timeout=1).close()
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def test_a_chroma_server_finds_what_the_folder_finds(server: str, own: UserPictures, tmp_path: Path) -> None:
    for concept in ("owl", "lobster", "cat"):
        put(tmp_path / "p", f"{concept}.png", concept)
    own.add([tmp_path / "p"])
    there = UserPictures(tmp_path / "home", embedded_clip(), chroma=server)
    there.add([tmp_path / "p"])
    for text in ("an owl", "a lobster", "a cat"):
        mine, theirs = own.search([text], 3)[0], there.search([text], 3)[0]
        assert [hit.sha256 for hit in mine] == [hit.sha256 for hit in theirs]
        assert [hit.similarity for hit in mine] == pytest.approx([hit.similarity for hit in theirs], abs=1e-5)
    assert verify_user_index(tmp_path / "home", own.embedder.model_id, server)["problems"] == []
    (tmp_path / "p" / "owl.png").unlink()
    there.add([tmp_path / "p"])
    assert {hit.title for hit in there.search(["an owl"], 3)[0]} == {"lobster", "cat"}
    with pytest.raises(UserError, match="chroma run"):
        UserPictures(tmp_path / "home", embedded_clip(), chroma="http://127.0.0.1:9").add([tmp_path / "p"])
