"""How often goods, parties and lanes were found wrong before: target encodings that never look ahead.

An encoding is the share of what was wrong among all that had the same key (a declarant, a heading on a lane), drawn towards the
share of the key's parent (the chapter on that lane, ... all trade) the more, the less is known of it:
``(wrong + k * parent) / (known + k)``, as Micci-Barreca (2001) proposes. For training, :func:`ordered` gives every row the share
as it stood strictly before the row's own moment: neither its own label nor a later one, nor one of the same declaration, has a
part in it (Prokhorenkova et al., CatBoost, 2018, with time itself as the order).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from detectors._columnar import Numbers

_JOIN = "\x1f"
#: Weight of "one half" in the share of all trade; it matters only before anything is known.
_WHOLE = 1.0


@dataclass(frozen=True, slots=True)
class Key:
    """What rows are gathered by.

    Attributes
    ----------
    words : the key in words, for people.
    columns : text columns of which all must be known; a row without one of them has no encoding (NaN).
    parent : place of the key that stands behind it, which must come before it; None for all trade.
    """

    words: str
    columns: tuple[str, ...]
    parent: int | None = None


@dataclass(frozen=True)
class Encoded:
    """Encodings of rows: arrays of shape (rows, keys).

    Attributes
    ----------
    shares : smoothed share that was wrong; NaN where the key is not known.
    known : how many labelled rows it rests on (their weights summed); NaN where the key is not known.
    """

    shares: Numbers
    known: Numbers

    def columns(self, counted: Sequence[int]) -> Numbers:
        """Return all shares, and the logarithm of how much is known of some keys, side by side."""
        return np.hstack([self.shares, np.log1p(self.known[:, list(counted)])])


class Encodings:
    """What was learned of each key: text -> (share, known).

    Parameters
    ----------
    keys, smoothing : as they were learned with. base : share of all trade that was wrong.
    tables : of each key the texts seen, with smoothed share and sum of weights.
    """

    def __init__(
        self,
        keys: Sequence[Key],
        smoothing: float,
        base: float,
        tables: Sequence[Mapping[str, tuple[float, float]]],
    ) -> None:
        self.keys = tuple(keys)
        self.smoothing = smoothing
        self.base = base
        self.tables = tables
        # A row of figures for each text, then one for "not known", and one for "never seen": one look-up a text.
        self._places: list[dict[str | None, int]] = []
        self._figures: list[tuple[Numbers, Numbers]] = []
        for table in tables:
            self._places.append({**{text: n for n, text in enumerate(table)}, None: len(table)})
            share, known = np.array([*table.values(), _NOTHING, _UNSEEN]).T.copy()
            self._figures.append((share, known))

    @classmethod
    def learn(
        cls, frame: pl.DataFrame, keys: Sequence[Key], wrong: Numbers, weights: Numbers, smoothing: float
    ) -> Self:
        """Learn from labelled rows: ``wrong`` is 0 or 1, ``weights`` how many rows each stands for."""
        base = (float(wrong @ weights) + _WHOLE / 2) / (float(weights.sum()) + _WHOLE)
        shares: list[Numbers] = []
        tables: list[dict[str, tuple[float, float]]] = []
        for key in keys:
            texts = _texts(frame, key)
            places, first, names = _distinct(texts)
            known = places >= 0
            found = np.bincount(places[known], (wrong * weights)[known], len(names))
            total = np.bincount(places[known], weights[known], len(names))
            behind = base if key.parent is None else _or(shares[key.parent], base)[first]
            smoothed = (found + smoothing * behind) / (total + smoothing)
            tables.append(dict(zip(names, zip(smoothed.tolist(), total.tolist(), strict=True), strict=True)))
            shares.append(np.where(known, smoothed[places] if len(names) else np.nan, np.nan))
        return cls(keys, smoothing, base, tables)

    def encode(self, frame: pl.DataFrame) -> Encoded:
        """Return the encodings of rows by all that was learned; an unseen key has its parent's share, known 0."""
        # A key after another lies in memory, as they are worked out; callers see rows.
        shape = (len(self.keys), frame.height)
        shares, known = np.empty(shape), np.empty(shape)
        texts = _all_texts(frame, self.keys)
        for n, (key, places, (share, count)) in enumerate(zip(self.keys, self._places, self._figures, strict=True)):
            get, unseen = places.get, len(share) - 1
            at = np.array([get(text, unseen) for text in texts[n].to_list()], dtype=np.intp)
            share.take(at, out=shares[n], mode="clip")
            count.take(at, out=known[n], mode="clip")
            new = np.flatnonzero(at == unseen)
            if len(new):
                shares[n, new] = self.base if key.parent is None else _or(shares[key.parent, new], self.base)
        return Encoded(shares.T, known.T)

    def parts(self) -> dict[str, Any]:
        """Return what was learned, as arrays and plain values."""
        return {
            "keys": [[key.words, list(key.columns), key.parent] for key in self.keys],
            "smoothing": float(self.smoothing),
            "base": float(self.base),
            "names": [list(table) for table in self.tables],
            "values": [np.array(list(table.values()), dtype=np.float64).reshape(-1, 2) for table in self.tables],
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Return the encodings that gave ``parts``; raises ValueError, KeyError or TypeError if they are not."""
        keys = [Key(str(words), tuple(map(str, columns)), parent) for words, columns, parent in parts["keys"]]
        for n, key in enumerate(keys):
            if key.parent is not None and not 0 <= int(key.parent) < n:
                raise ValueError(f"key {key.words!r} has no parent before it")
        tables = [
            dict(zip(names, map(tuple, np.asarray(values, dtype=np.float64).reshape(-1, 2).tolist()), strict=True))
            for names, values in zip(parts["names"], parts["values"], strict=True)
        ]
        if len(tables) != len(keys):
            raise ValueError(f"{len(tables)} tables for {len(keys)} keys")
        return cls(keys, float(parts["smoothing"]), float(parts["base"]), tables)


#: (share, known) of a key that is not known, and of one that was never seen with a label.
_NOTHING, _UNSEEN = (np.nan, np.nan), (np.nan, 0.0)


def ordered(
    frame: pl.DataFrame,
    keys: Sequence[Key],
    wrong: Numbers,
    weights: Numbers,
    moments: NDArray[np.int64],
    smoothing: float,
) -> Encoded:
    """Return for each row the encodings as they stood strictly before its moment.

    Parameters
    ----------
    moments : of lodgement, in any unit and order. Rows of one moment know nothing of each other.
    """
    shape = (frame.height, len(keys))
    shares, known = np.empty(shape), np.empty(shape)
    found, total = _before(np.zeros(frame.height, dtype=np.int64), wrong * weights, weights, moments)
    base = (found + _WHOLE / 2) / (total + _WHOLE)
    for n, key in enumerate(keys):
        places = _distinct(_texts(frame, key))[0]
        found, total = _before(places, wrong * weights, weights, moments)
        behind = base if key.parent is None else _or(shares[:, key.parent], base)
        missing = places < 0
        shares[:, n] = np.where(missing, np.nan, (found + smoothing * behind) / (total + smoothing))
        known[:, n] = np.where(missing, np.nan, total)
    return Encoded(shares, known)


def _before(
    places: NDArray[np.int64], found: Numbers, total: Numbers, moments: NDArray[np.int64]
) -> tuple[Numbers, Numbers]:
    """Return the sums over the rows of the same place and a strictly earlier moment."""
    count = len(places)
    if not count:
        return np.zeros(0), np.zeros(0)
    order = np.lexsort((moments, places))
    place, moment = places[order], moments[order]
    new_place = np.append(True, place[1:] != place[:-1])
    new_moment = new_place | np.append(True, moment[1:] != moment[:-1])
    at = np.arange(count)
    start = np.maximum.accumulate(np.where(new_place, at, 0))
    run = np.maximum.accumulate(np.where(new_moment, at, 0))
    sums = []
    for column in (found, total):
        running = np.append(0.0, np.cumsum(column[order]))
        before = np.empty(count)
        # Sums of many weights lose the last bits; of nothing they are exactly nothing.
        before[order] = np.where(run == start, 0.0, running[run] - running[start])
        sums.append(before)
    return sums[0], sums[1]


def _all_texts(frame: pl.DataFrame, keys: Sequence[Key]) -> list[pl.Series]:
    """Return the text of each key, null where a part of it is."""
    told = [_texts_of(key).alias(str(n)) for n, key in enumerate(keys)]
    return frame.select(told).get_columns() if told else []


def _texts_of(key: Key) -> pl.Expr:
    return pl.col(key.columns[0]) if len(key.columns) == 1 else pl.concat_str(key.columns, separator=_JOIN)


def _texts(frame: pl.DataFrame, key: Key) -> pl.Series:
    return _all_texts(frame, (key,))[0]


def _distinct(texts: pl.Series) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str]]:
    """Return the place of each text among the distinct ones (-1 for null), where each stands first, and the texts."""
    told = pl.DataFrame({"text": texts}).with_row_index("at")
    names = told.drop_nulls("text").unique("text", keep="first", maintain_order=True)
    numbered = names.select("text", pl.int_range(pl.len(), dtype=pl.Int64).alias("place"))
    places = told.join(numbered, on="text", how="left", maintain_order="left")["place"].fill_null(-1)
    return places.to_numpy(), names["at"].to_numpy().astype(np.int64), names["text"].to_list()


def _or(shares: Numbers, base: float | Numbers) -> Numbers:
    return np.where(np.isnan(shares), base, shares)
