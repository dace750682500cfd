"""How often one may ask."""

from __future__ import annotations

import threading
from collections import OrderedDict

from streams.gateway.limits import Bucket

_MOST = 10_000


class Rates:
    """A rate for each of many askers; those not seen for longest are forgotten."""

    def __init__(self, per_minute: float, burst: float) -> None:
        self._rate = per_minute / 60
        self._burst = burst
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, who: str) -> int:
        """Count one request; return 0 if it may come, else the seconds to wait."""
        with self._lock:
            bucket = self._bucket(who)
            wait = bucket.wait()
            if not wait:
                bucket.take(1)
            return wait

    def give_back(self, who: str) -> None:
        """Undo a request that does not count after all."""
        with self._lock:
            self._bucket(who).take(-1)

    def _bucket(self, who: str) -> Bucket:
        found = self._buckets.get(who)
        if found is None:
            found = self._buckets[who] = Bucket(self._rate, self._burst)
            if len(self._buckets) > _MOST:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(who)
        return found
