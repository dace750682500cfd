"""Character n-grams of many texts at once, hashed into columns of one sparse matrix.

A rolling hash over the code points of all texts, in numpy: some microseconds a text, where scikit-learn's vectoriser takes a
hundred. Columns depend on the letters alone, never on what was seen before, so that nothing needs to be kept but weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

#: Longest part of a text that is looked at, in characters: long descriptions say what the goods are at their start.
LONGEST = 300

_BASE = np.uint64(0x100000001B3)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_HALF = np.uint64(33)


def _codes(texts: Sequence[str]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the code points of all texts, each between blanks, and the text that each belongs to."""
    padded = [f" {text[:LONGEST]} " for text in texts]
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    owners = np.repeat(np.arange(len(padded)), [len(text) for text in padded])
    return codes, owners


def grams(views: Sequence[Sequence[str]], sizes: Sequence[Sequence[int]], bits: int) -> Any:
    """Return a sparse matrix, a row a text and 2**bits columns, with 1 for each n-gram that is there (float32).

    Parameters
    ----------
    views : the texts, seen in one or several ways (lists of one length): n-grams of different views are different columns.
        An empty text has no n-grams.
    sizes : lengths of n-grams, of each view.
    bits : columns, as a power of two.
    """
    rows = len(views[0]) if views else 0
    # Half as wide keys are sorted in half the time; batches and chunks of texts are never so long that they do not fit.
    narrow = rows << bits < 1 << 32
    mask = np.uint64((1 << bits) - 1)
    keys = []
    for number, texts in enumerate(views, 1):
        there = [n for n, text in enumerate(texts) if text]
        if not there:
            continue
        codes, owners = _codes([texts[n] for n in there])
        places = np.array(there, dtype=np.uint64)[owners] << np.uint64(bits)
        hashed = codes
        for size in range(1, min(max(sizes[number - 1]), len(codes)) + 1):
            height = len(codes) - size + 1
            if size > 1:
                hashed = hashed[:height] * _BASE
                hashed += codes[size - 1 :]
            if size not in sizes[number - 1]:
                continue
            # A polynomial of the letters, begun with a number of the view and the size: only its last term differs by size.
            begun = (number * 0x9E3779B97F4A7C15 + size) * int(_BASE) ** size % 2**64
            mixed = hashed + np.uint64(begun)
            mixed ^= mixed >> _HALF
            mixed *= _MIX
            mixed ^= mixed >> _HALF
            mixed &= mask
            mixed |= places[:height]
            whole = owners[:height] == owners[size - 1 :]
            keys.append(mixed[whole].astype(np.uint32) if narrow else mixed[whole])
    kind: Any = np.uint32 if narrow else np.uint64
    found: Any = np.concatenate(keys) if keys else np.zeros(0, dtype=kind)
    found.sort()
    found = found[np.diff(found, prepend=~found[:1]) != 0]  # np.unique hashes first, at fifty times the cost
    starts = np.searchsorted(found >> kind(bits), np.arange(rows + 1, dtype=kind))
    columns = (found & kind(mask)).astype(np.int32)
    return csr_matrix(
        (np.ones(len(columns), dtype=np.float32), columns, starts.astype(np.int32)), shape=(rows, 1 << bits)
    )


def normalised(matrix: Any, weights: np.ndarray[Any, Any] | None = None) -> Any:
    """Return the rows of :func:`grams` weighted by column (if weights are given) and scaled to length one.

    Rows without anything stay so.
    """
    columns, starts = matrix.indices, matrix.indptr
    counts = np.diff(starts)
    rows = np.repeat(np.arange(matrix.shape[0]), counts)
    if weights is None:
        length = np.sqrt(counts)
        values = np.float64(1.0)
    else:
        weighted = weights[columns]
        there = np.flatnonzero(weighted)
        columns, rows, values = columns[there], rows[there], weighted[there].astype(np.float64)
        starts = np.searchsorted(there, starts).astype(np.int32)
        length = np.sqrt(np.bincount(rows, weights=values**2, minlength=matrix.shape[0]))
    with np.errstate(divide="ignore"):
        scale = np.where(length > 0, 1.0 / length, 0.0)
    return csr_matrix(((values * scale[rows]).astype(np.float32), columns, starts), shape=matrix.shape)
