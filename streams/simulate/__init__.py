"""A labelled national feed: firms with stable habits, honest look-alikes, and the smuggling scenarios, from one seed.

>>> rows = list(feed(seed=7, count=3, firms=50))
>>> [row["event"] for row, label in rows]
['lodged', 'lodged', 'lodged']
"""

from streams.simulate.feed import DEFAULT_END, DEFAULT_START, feed
from streams.simulate.scenarios import SCENARIOS

__all__ = ["DEFAULT_END", "DEFAULT_START", "SCENARIOS", "feed"]
