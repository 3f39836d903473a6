"""Loading without a network: what the hub's cache has is taken at once, and what it lacks is told at once.

Where there is no network, the hub's client tries again for some 25 seconds for each file. Here the hub's address is
tried first; where nothing answers there, the client is told to stay offline until the models are loaded.
"""

import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

ANSWERS_WITHIN = 5.0
"""Seconds for the hub, or the proxy before it, to take a connection."""
HOLDS_FOR = 30.0
"""Seconds for which one look is good: a model of several parts is looked for several times."""

_lock = threading.Lock()
_looked: dict[str, tuple[float, str]] = {}
_users = 0


@contextmanager
def offline_where_unreachable(models: Iterable[str]) -> Iterator[None]:
    """Keep the hub's client offline until the block ends, where the hub can't be reached.

    Args:
        models: what is loaded; where all of them are files or folders here, the hub is not asked.
    """
    global _users
    from huggingface_hub import constants

    with _lock:
        ours = _users > 0 and constants.HF_HUB_OFFLINE
    asked = any(not os.path.exists(os.path.expanduser(model)) for model in models)
    if not asked or (constants.HF_HUB_OFFLINE and not ours) or not why_unreachable():
        yield
        return
    with _lock:
        _users += 1
        constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            constants.HF_HUB_OFFLINE = _users > 0


def is_kept_offline() -> bool:
    """Tell whether the hub's client is offline because the hub could not be reached, and nobody asked for that."""
    return _users > 0


def why_unreachable() -> str:
    """Return why the hub takes no connection; empty where it does."""
    from huggingface_hub import constants

    endpoint = constants.ENDPOINT
    looked_at, why = _looked.get(endpoint, (-HOLDS_FOR, ""))
    if time.monotonic() - looked_at > HOLDS_FOR:
        why = _why(endpoint)
        _looked[endpoint] = time.monotonic(), why
    return why


def _why(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    proxy = getproxies().get(parts.scheme)
    if proxy and not proxy_bypass(parts.hostname or ""):
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    told = [f"nothing answers within {ANSWERS_WITHIN:g} s"]

    def connect() -> None:
        try:
            port = parts.port or {"https": 443}.get(parts.scheme, 80)
            socket.create_connection((parts.hostname or "", port), timeout=ANSWERS_WITHIN).close()
            told[0] = ""
        except (OSError, ValueError) as error:
            told[0] = str(error) or type(error).__name__

    # In a thread, since a resolver that hangs heeds no time-out.
    looking = threading.Thread(target=connect, daemon=True, name="imagerag-hub-look")
    looking.start()
    looking.join(ANSWERS_WITHIN)
    return told[0]
