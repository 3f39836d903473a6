"""Search services of plugins that hang or fail: no run waits for them to its end."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imagerag.errors import Cancelled, InvalidArgument, ServiceError
from imagerag.graphs import libraries
from imagerag.index.base import Hit
from imagerag.index.bounded_service import BoundedService
from imagerag.interruptible import using_check
from testing.servers import Shelf


class Faulty(Shelf):
    """A service that does something else whenever it is asked."""

    def __init__(self, fault: Callable[[], object]) -> None:
        super().__init__()
        self._fault = fault

    def search(self, *given: Any, **named: Any) -> list[list[Hit]]:
        self._fault()
        return super().search(*given, **named)

    def image(self, sha256: str) -> Any:
        self._fault()
        return super().image(sha256)


@pytest.fixture
def hanging() -> Iterator[BoundedService]:
    never = threading.Event()
    yield BoundedService(Faulty(lambda: never.wait(60)), "archive")
    never.set()


@pytest.mark.parametrize("call", [lambda one: one.search(["an owl"], 1), lambda one: one.image("0" * 64)])
def test_one_that_hangs_is_left_while_the_run_has_time(
    hanging: BoundedService, call: Callable[[BoundedService], object]
) -> None:
    told = (
        r"the search service 'archive' failed \(TimeoutError: no answer within 0.05 seconds\); mend it, or leave it out"
    )
    with using_check(None, lambda: 0.1), pytest.raises(ServiceError, match=told):
        call(hanging)


def test_a_run_that_is_stopped_waits_for_none(hanging: BoundedService) -> None:
    def stopped() -> None:
        raise Cancelled("stopped")

    with using_check(stopped, lambda: 60.0), pytest.raises(Cancelled):
        hanging.search(["an owl"], 1)


def test_what_one_raises_is_told_with_its_name() -> None:
    def fail() -> None:
        raise KeyError("hits")

    with pytest.raises(ServiceError, match=r"'archive' failed \(KeyError: 'hits'\)") as told:
        BoundedService(Faulty(fail), "archive").search(["an owl"], 1)
    assert told.value.public == "the search service 'archive' failed (KeyError)"

    def refuse() -> None:
        raise InvalidArgument("not on the shelf")

    with pytest.raises(InvalidArgument, match="not on the shelf"):
        BoundedService(Faulty(refuse), "archive").image("0" * 64)


def test_every_installed_service_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "installed", lambda group: {"archive": Shelf} if group == "searches" else {})
    monkeypatch.setattr(libraries, "make", lambda group, name, home: Shelf())
    libraries.open_index.cache_clear()
    index: Any = libraries.open_index(tmp_path, None, libraries=("archive",))
    (moderated,) = index.services
    assert isinstance(moderated._service, BoundedService)
    assert index.search(["an owl"], 1)[0][0].title == "a square"
    libraries.open_index.cache_clear()
