"""Single tools on a thread: what one makes, the next finds."""

import itertools
from pathlib import Path

from imagerag.server.service import Service
from imagerag.server.thread_history import LOCAL
from imagerag.settings import Settings
from testing.scripted import ScriptedCritic, Squares
from testing.servers import Shelf, scripted_service


def test_two_tools_at_once_number_their_images_one_after_the_other(tmp_path: Path) -> None:
    first, second = scripted_service(tmp_path), scripted_service(tmp_path)
    try:
        runs = [one.use_tool(LOCAL, "sea", "generate", {"prompt": "an owl"}) for one in (first, second)]
        assert all(run.wait(60) for run in runs)
        images = first.threads.state(LOCAL, "sea")["all_images"]
        assert [image["id"] for image in images] == ["image-1", "image-2"]
    finally:
        first.close()
        second.close()


def test_two_servers_lose_no_turn_of_a_conversation(tmp_path: Path) -> None:
    from imagerag.server.run import RunRequest

    services = [scripted_service(tmp_path) for _ in range(2)]
    try:
        runs = [one.create(LOCAL, RunRequest("an owl", thread="sea")) for one in services for _ in range(2)]
        assert all(run.wait(60) for run in runs)
        assert sorted(run.turn or 0 for run in runs) == [1, 2, 3, 4]
        assert services[0].threads.state(LOCAL, "sea")["turn"] == 4
        assert sorted(services[0].database.told(LOCAL, "sea")) == [1, 2, 3, 4]
    finally:
        for one in services:
            one.close()


def test_candidates_are_drawn_at_once_where_the_server_was_told_to(tmp_path: Path) -> None:
    squares = Squares()
    settings = Settings(home=str(tmp_path), n=2, batch=True)
    service = Service(settings, None, generator=squares, critic=ScriptedCritic(itertools.cycle((0.9,))), index=Shelf())
    try:
        assert service.use_tool(LOCAL, "sea", "generate", {"prompt": "an owl"}).wait(60)
    finally:
        service.close()
    assert [request.batch for request in squares.requests] == [True]


class SquaresOfPhotographs(Squares):
    name, makes = "squares-of-photographs", "photographs"


def test_parts_that_do_not_go_together_are_told_with_the_first_call_of_a_thread(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path), profile="pictograms", library=("bundled",))
    service = Service(settings, None, generator=SquaresOfPhotographs(), critic=ScriptedCritic(itertools.cycle((0.9,))))
    told: list[list[str]] = []
    try:
        for _ in range(2):
            run = service.use_tool(LOCAL, "sea", "generate", {"prompt": "an owl"})
            assert run.wait(60)
            told.append([event["text"] for event in run.events if event["event"] == "note"])
    finally:
        service.close()
    assert len(told[0]) == 1
    assert "library 'bundled' would put pictograms into a photograph" in told[0][0]
    assert told[1] == []
