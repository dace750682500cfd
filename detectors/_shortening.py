"""How much of a declaration an alert shows: enough to act on, never megabytes.

A declaration may weigh 32 MiB (9,999 items, 999 documents each). A verdict, its case and its alert would each carry all of it,
for findings that are about a few items; the record itself stays where ``provenance.origin`` points.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic_core import to_json

_ITEMS = 50
_LISTED = 20
#: Room for the items, in bytes of JSON. The first item is shown in any case.
_ITEM_BYTES = 256 * 1024


def shortened(declaration: Mapping[str, Any], concerned: Collection[int]) -> dict[str, Any]:
    """Return a declaration with the items that matter, and of long lists in it the beginning.

    Parameters
    ----------
    declaration : JSON-ready, as an alert may show it; not changed.
    concerned : numbers of the items that findings are about. They come first when not all items can be shown; what is
        shown keeps the order of the declaration.

    Returns
    -------
    the declaration, with ``items_left_out``, ``packages_left_out`` and so on beside each list that was cut.
    """
    short = dict(declaration)
    if short.get("transport"):
        short["transport"] = _cut(short["transport"], "containers", "seals")
    short = _cut(short, "documents", "previous_documents")
    items = short.get("items") or []
    order = sorted(range(len(items)), key=lambda n: items[n]["number"] not in concerned)
    kept: dict[int, Any] = {}
    room = _ITEM_BYTES
    for place in order[:_ITEMS]:
        item = _cut(items[place], "packages", "documents", "previous_documents")
        room -= len(to_json(item))
        if room < 0 and kept:
            break
        kept[place] = item
    if len(kept) < len(items):
        short["items_left_out"] = len(items) - len(kept)
    short["items"] = [kept[place] for place in sorted(kept)]
    return short


def _cut(holder: Mapping[str, Any], *names: str) -> dict[str, Any]:
    cut = dict(holder)
    for name in names:
        listed = holder.get(name) or []
        if len(listed) > _LISTED:
            cut |= {name: listed[:_LISTED], f"{name}_left_out": len(listed) - _LISTED}
    return cut
