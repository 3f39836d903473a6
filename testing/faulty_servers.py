"""Real servers on loopback that are reached and then fail those who wait for them, whatever protocol they speak."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, get_args

Fault = Literal["hangs", "drips", "wrong", "busy", "broken"]
"""``hangs``: takes every byte and never answers; ``drips``: a byte of an endless head now and then; ``wrong``: answers
in another protocol; ``busy``: 429 for an hour; ``broken``: 500."""

FAULTS: tuple[Fault, ...] = get_args(Fault)
DRIP = 0.1
"""Seconds between two bytes."""

_ANSWERS: dict[str, bytes] = {
    "wrong": b"220 mail.example.org ESMTP\r\n",
    "busy": b"HTTP/1.1 429 Busy\r\nretry-after: 3600\r\ncontent-length: 0\r\n\r\n",
    "broken": b"HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n",
}


@contextmanager
def faulty_server(fault: Fault, asked: threading.Event | None = None) -> Iterator[str]:
    """Serve until the block ends; yields the address, as in ``http://127.0.0.1:4000``.

    Args:
        fault: how it fails.
        asked: set as soon as something has been received: whoever doesn't reach the server meets no fault.
    """
    ended, asked = threading.Event(), asked or threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, fault, ended, asked), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            ended.set()


def _accept(listener: socket.socket, fault: Fault, ended: threading.Event, asked: threading.Event) -> None:
    while not ended.is_set():
        try:
            connection, _ = listener.accept()
        except OSError:  # closed
            return
        threading.Thread(target=_talk, args=(connection, fault, ended, asked), daemon=True).start()


def _talk(connection: socket.socket, fault: Fault, ended: threading.Event, asked: threading.Event) -> None:
    with connection:
        try:
            while connection.recv(65_536) and not ended.is_set():
                asked.set()
                if fault == "drips":
                    connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
                    while not ended.is_set():
                        connection.sendall(b"x")
                        time.sleep(DRIP)
                elif fault != "hangs":
                    connection.sendall(_ANSWERS[fault])
        except OSError:  # whoever asked has hung up
            return
