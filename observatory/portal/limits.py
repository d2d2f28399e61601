"""How often an address may ask, in bounded memory.

Belongs here: rates by address. Does not: failures by account, which are kept (``accounts``).
"""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable


class Buckets:
    """A bucket of tokens by address; the address that asked longest ago is forgotten first.

    Args:
        burst: requests that may come together.
        rate: requests a second after that.
        most: addresses that are remembered.
        clock: seconds, for tests.
    """

    def __init__(
        self, burst: int, rate: float, *, most: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst, self._rate, self._most, self._clock = burst, rate, most, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, address: str) -> int:
        """Take a token; return 0, or the seconds until there is one."""
        key, now = network_of(address), self._clock()
        with self._lock:
            tokens, since = self._left.pop(key, (float(self._burst), now))
            tokens = min(self._burst, tokens + (now - since) * self._rate)
            allowed = tokens >= 1
            self._left[key] = (tokens - 1 if allowed else tokens, now)
            if len(self._left) > self._most:
                self._left.popitem(last=False)
        return 0 if allowed else int((1 - tokens) / self._rate) + 1

    def __len__(self) -> int:
        """Return how many addresses are remembered."""
        return len(self._left)


def network_of(address: str) -> str:
    """Return the address, or the /64 network that one subscriber has in IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
    return address
