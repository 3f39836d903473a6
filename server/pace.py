"""How fast one client's requests are taken in: reading and parsing them holds up what others wait for."""

from collections import OrderedDict

KNOWN = 1024
"""Clients that are remembered; of more, the one that came longest ago is forgotten."""


class Pace:
    """A token bucket for each client, kept as the time at which it will be full again (GCRA, ITU-T I.371).

    Args:
        rate: what a client may use up in a second.
        burst: what it may use up at once, beyond that.
        shortest: seconds; shorter waits are put off until they add up.
    """

    def __init__(self, rate: float, burst: float, shortest: float = 0.0) -> None:
        self._rate = rate
        self._burst = burst
        self._shortest = shortest
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait(self, client: str, used: float, now: float) -> float:
        """Enter what a client uses up, and return the seconds to wait before it may use more.

        Args:
            client: whose it is.
            used: in the unit of the rate.
            now: seconds of a clock that is never set back.
        """
        full_at = max(self._full_at.get(client, now), now) + used / self._rate
        self._full_at[client] = full_at
        self._full_at.move_to_end(client)
        while len(self._full_at) > KNOWN:
            self._full_at.popitem(last=False)
        wait = full_at - now - self._burst / self._rate
        return wait if wait > 0 and wait >= self._shortest else 0.0
