"""Guesses at tokens: whoever sends wrong ones has to wait, and those who have shown a right one from there have not."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

FREE = 10
"""Wrong tokens in a row that an address may send; after that, one each ``SECONDS_EACH``."""
SECONDS_EACH = 6.0
MAX_ADDRESSES = 10_000
"""Addresses that are remembered, the newest."""
MAX_RIGHT = 32
"""Right tokens that are remembered of one address."""


@dataclass
class _Address:
    used: float = 0.0
    at: float = 0.0
    right: OrderedDict[bytes, None] = field(default_factory=OrderedDict)


class Guesses:
    """Counts wrong tokens by address. Any thread may ask.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._addresses: OrderedDict[str, _Address] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, host: str, digest: bytes) -> int:
        """Return for how many seconds no token from that address is looked at; 0 if this one is.

        Args:
            host: IP address of the client, or whatever stands for it.
            digest: of the token; one that was right from that address before is always looked at.
        """
        with self._lock:
            known = self._addresses.get(_network(host))
            if known is None or digest in known.right:
                return 0
            used = self._left(known)
            return math.ceil((used - FREE + 1) * SECONDS_EACH) if used > FREE - 1 else 0

    def tell(self, host: str, digest: bytes, *, right: bool) -> None:
        """Take in whether a token was right."""
        with self._lock:
            known = self._addresses.setdefault(_network(host), _Address())
            self._addresses.move_to_end(_network(host))
            if right:
                known.right[digest] = None
                known.right.move_to_end(digest)
                if len(known.right) > MAX_RIGHT:
                    known.right.popitem(last=False)
            else:
                known.used, known.at = self._left(known) + 1, self._clock()
            if len(self._addresses) > MAX_ADDRESSES:
                self._addresses.popitem(last=False)

    def _left(self, known: _Address) -> float:
        return max(0.0, known.used - (self._clock() - known.at) / SECONDS_EACH)


def _network(host: str) -> str:
    """Return what one guesser can't change: of IPv6 the first 64 bits, since the others are everybody's to choose."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address)
