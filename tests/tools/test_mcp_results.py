"""Results of other MCP servers' tools."""

import json
from pathlib import Path

import pytest

from imagerag.store.images import ImageStore
from testing.mcp_server import ORDER
from testing.mounted_runs import STDIO, MountedRun
from testing.scripted_runs import GENERATE

pytest.importorskip("mcp")


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_a_picture_from_a_mounted_server_is_drawn_with(tmp_path: Path, transport: str, address: str) -> None:
    redraw = {"prompt": "an owl", "reference_ids": ["ref-1"]}
    script = [
        GENERATE,
        [("find_pictures", {"query": "owls", "count": 2, "for_concept": "owl"})],
        [("regenerate_with_references", redraw)],
        "done",
    ]
    run = MountedRun(tmp_path, script, STDIO if transport == "stdio" else address, "find_pictures")
    assert "find_pictures" in run.model.offered[0]
    assert "hang" not in run.model.offered[0], "it was not allowed"
    assert "find_pictures: tools of other people's servers" in str(run.model.seen[0][0].content)
    told = run.told("find_pictures")
    assert json.dumps(ORDER)[1:-1] in told.text, "quoted, its line breaks and quotes escaped"
    assert ORDER not in told.text
    after = run.model.seen[2][run.model.seen[2].index(told) + 1].content
    assert [block.get("text", block["type"]) for block in after] == ["ref-1:", "image_url", "ref-2:", "image_url"]
    (reference,) = run.result["references"]
    assert (reference["kind"], reference["concept"]) == ("fetched", "owl")
    assert reference["source"] == "mcp:picture_search/find_pictures"
    drawn_with = run.generator.requests[-1].references[0]
    assert drawn_with.image.getpixel((0, 0)) == (255, 0, 0)
    manifest = ImageStore(run.home).manifest(run.result["images"][-1]["sha256"])
    assert manifest.references[0].source == "mcp:picture_search/find_pictures"
