"""The absence of a thing is judged by its presence."""

from PIL import Image

from imagerag.agent.absence import absence_of
from imagerag.agent.registry import load_critic
from imagerag.assets.library import bundled_library


def test_what_is_there_is_not_absent() -> None:
    assert absence_of({"concept": "dog", "kind": "content", "present": True, "score": 0.9}) == {
        "concept": "no dog",
        "kind": "absence",
        "present": False,
        "score": 0.1,
    }


def test_the_critic_judges_what_is_not_to_be_seen() -> None:
    library = bundled_library()
    picture = library.image(library.by_concept["banana"][0])
    image = Image.new("RGB", (128, 128), "white")
    image.paste(picture, (0, 0), picture)
    critic = load_critic("clip")
    there, absent = (critic.judge([image], f"a banana, no {thing}")[0] for thing in ("banana", "octopus"))
    assert there["missing"] == ["no banana"]
    assert absent["satisfied"]
    assert [score["kind"] for score in absent["concepts"]] == ["content", "absence"]
