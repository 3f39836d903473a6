"""How fast the large bodies of one client are taken in: reading and parsing them holds up what others wait for."""

from collections import OrderedDict

UNPACED = 2**20
"""Bytes of each body that are taken in as they come: no request of words alone has more."""
BURST = 64 * 2**20
"""Bytes beyond those that a client's bodies may have at once: some photographs are not held up ..."""
RATE = 4 * 2**20
"""... and for each second after that. A body of 64 MiB takes a third of a second of the processor's time to be read,
parsed and refused: of one client that sends them over and over, one in 16 s is read."""
SHORTEST = 0.02
"""Seconds; shorter waits are put off until they add up."""
KNOWN = 1024
"""Clients that are remembered; of more, the one whose body came longest ago is forgotten."""


class BodyPace:
    """A token bucket for each client, kept as the time at which it will be full again (GCRA, ITU-T I.371)."""

    def __init__(self) -> None:
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait(self, client: str, size: int, now: float) -> float:
        """Enter bytes of a client's, and return the seconds to wait before more of them are read.

        Args:
            client: whose they are.
            size: bytes.
            now: seconds of a clock that is never set back.
        """
        full_at = max(self._full_at.get(client, now), now) + size / RATE
        self._full_at[client] = full_at
        self._full_at.move_to_end(client)
        while len(self._full_at) > KNOWN:
            self._full_at.popitem(last=False)
        wait = full_at - now - BURST / RATE
        return wait if wait >= SHORTEST else 0.0
