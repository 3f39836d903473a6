"""A Hugging Face hub on loopback, as far as huggingface_hub asks for it: repositories that are open, gated or slow.

A process is led to it by ``HF_ENDPOINT``, which huggingface_hub reads when it is imported. The answers follow the
source of huggingface_hub 2.4: ``hf_raise_for_status`` reads ``X-Error-Code``, ``get_hf_file_metadata`` the others.
"""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Repository:
    """What one repository answers.

    Attributes:
        files: content by path; a number stands for a file of so many bytes that nobody may fetch.
        status: of the answer to who asks for a file: 200; 401 or 403 as for a gated repository.
        gated: as its listing says.
        private: also its listing is refused, with ``status``.
        delay: seconds before each answer.
    """

    files: Mapping[str, bytes | int] = field(default_factory=dict)
    status: int = 200
    gated: str | bool = False
    private: bool = False
    delay: float = 0.0

    @property
    def commit(self) -> str:
        return hashlib.sha1(json.dumps(sorted(self.files)).encode()).hexdigest()

    @classmethod
    def of_folder(cls, folder: Path, **settings: Any) -> "Repository":
        """Return a repository with the files of a folder."""
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        return cls(files, **settings)


class Asked(NamedTuple):
    """One request; ``path`` without the query."""

    method: str
    path: str
    authorization: str


class HubServer(ThreadingHTTPServer):
    """Answers for the repositories by name (``owner/model``), and keeps every request.

    Attributes:
        asked: the requests so far, in order.
    """

    daemon_threads = True

    def __init__(self, repositories: Mapping[str, Repository]) -> None:
        self.repositories = dict(repositories)
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fetched(self, repository: str) -> set[str]:
        """Return the files of a repository whose content was asked for."""
        beginning = f"/{repository}/resolve/"
        paths = [asked.path for asked in self.asked if asked.method == "GET" and asked.path.startswith(beginning)]
        return {path.removeprefix(beginning).partition("/")[2] for path in paths}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the tests."""


@contextmanager
def hub_server(repositories: Mapping[str, Repository]) -> Iterator[HubServer]:
    """Serve the repositories until the block ends."""
    server = HubServer(repositories)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: HubServer

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(Asked(self.command, path, self.headers.get("authorization", "")))
        name, rest = _taken_apart(path)
        repository = self.server.repositories.get(name)
        if repository is None:
            self._refuse(401, "RepoNotFound")
            return
        self.server.closing.wait(repository.delay)
        if path.startswith("/api/"):
            if repository.private:
                self._refuse(repository.status, "GatedRepo" if repository.gated else "RepoNotFound")
            elif rest.startswith("tree/"):
                self._send(json.dumps([_entry(*item) for item in sorted(repository.files.items())]).encode())
            else:
                self._send(json.dumps(_info(name, repository)).encode())
        elif repository.status != 200:
            self._refuse(repository.status, "GatedRepo" if repository.gated else "")
        else:
            file = rest.removeprefix("resolve/").partition("/")[2]
            if file in repository.files:
                self._send_file(file, repository.files[file], repository.commit)
            else:
                self._refuse(404, "EntryNotFound", {"X-Repo-Commit": repository.commit})

    def _send_file(self, file: str, content: bytes | int, commit: str) -> None:
        entry = _entry(file, content)
        size = entry["size"]
        headers = {"X-Repo-Commit": commit, "ETag": f'"{entry["oid"]}"', "X-Linked-Size": str(size)}
        if isinstance(content, int) and self.command == "GET":
            self._refuse(500, "", headers)
        else:
            self._send(b"" if isinstance(content, int) else content, headers, length=size)

    def _send(self, body: bytes, headers: Mapping[str, str] | None = None, length: int | None = None) -> None:
        self.send_response(200)
        for key, value in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(key, value)
        self.send_header("content-length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def _refuse(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {"X-Error-Code": code, "content-length": "0", **(headers or {})}.items():
            if value:
                self.send_header(key, value)
        self.end_headers()


def _taken_apart(path: str) -> tuple[str, str]:
    """Return the repository that a path is about, and what follows its name."""
    parts = path.removeprefix("/api/models").strip("/").split("/")
    return "/".join(parts[:2]), "/".join(parts[2:])


def _entry(path: str, content: bytes | int) -> dict[str, Any]:
    size = content if isinstance(content, int) else len(content)
    # By the path as well: files of one content would be fetched only once, and tests count what is fetched.
    digest = hashlib.sha1(path.encode() + (content if isinstance(content, bytes) else b"")).hexdigest()
    return {"type": "file", "path": path, "size": size, "oid": digest}


def _info(name: str, repository: Repository) -> dict[str, Any]:
    siblings = [
        {"rfilename": entry["path"], "size": entry["size"], "blobId": entry["oid"]}
        for entry in (_entry(*item) for item in sorted(repository.files.items()))
    ]
    return {
        "_id": "1", "id": name, "modelId": name, "sha": repository.commit, "private": repository.private,
        "gated": repository.gated, "disabled": False, "downloads": 0, "likes": 0, "tags": [], "siblings": siblings,
    }  # fmt: skip
