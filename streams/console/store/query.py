"""A question to the queue: filters, order, page; to and from the parameters of an address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, get_args

from schemas.alert import AlertStatus
from schemas.types import SEVERITIES
from streams.console.store.model import Shown, Sort, VerdictChoice

#: Lines of a page, unless told.
PAGE = 50
LARGEST_PAGE = 500

_LISTS = ("severity", "status", "code", "substance", "office", "country", "lane", "owner", "verdict", "rule")
_TEXTS = ("text", "group_key", "party", "cursor")
_HOURS = ("older_than", "newer_than")
_CHOICES: dict[str, tuple[str, ...]] = {
    "severity": SEVERITIES,
    "status": get_args(AlertStatus),
    "verdict": get_args(VerdictChoice),
    "shown": get_args(Shown),
    "sort": get_args(Sort),
}
_LONGEST = 1024
_MOST = 100


@dataclass(frozen=True, slots=True)
class QueueQuery:
    """Filters, all of which must hold; of one filter with several values any.

    Attributes
    ----------
    text : words that must all occur (any language) in title, summary, ids, parties, descriptions; a phrase in double quotes.
    owner : names of people; "" (in an address ``-``) stands for nobody.
    country : export or destination; ``party`` a `Party.key`.
    older_than, newer_than : hours since the alert was raised.
    verdict : verdicts of the contract, or ``none``.
    shown : ``visible`` leaves out what is suppressed.
    limit : lines of a page, up to `LARGEST_PAGE`; ``cursor`` from `QueuePage`.
    """

    text: str | None = None
    severity: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    substance: tuple[str, ...] = ()
    office: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    lane: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    verdict: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    group_key: str | None = None
    party: str | None = None
    older_than: float | None = None
    newer_than: float | None = None
    shown: Shown = "visible"
    sort: Sort = "risk"
    cursor: str | None = None
    limit: int = PAGE

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> QueueQuery:
        """Read parameters of an address (a multi-dict, or a saved view's dict of texts and lists).

        Unknown parameters and empty values are left out; raises ValueError with a sentence for a value that cannot be.
        """
        found: dict[str, Any] = {}
        for name in _LISTS:
            values = tuple(dict.fromkeys(text for value in _all(given, name) if (text := str(value).strip())))
            if values:
                _check(name, values)
                found[name] = tuple("" if name == "owner" and value == "-" else value for value in values)
        for name in _TEXTS:
            text = str(next(iter(_all(given, name)), "")).strip()
            if text:
                _check(name, (text,))
                found[name] = text
        for name in ("shown", "sort"):
            text = str(next(iter(_all(given, name)), "")).strip()
            if text:
                _check(name, (text,))
                found[name] = text
        for name in _HOURS:
            text = str(next(iter(_all(given, name)), "")).strip()
            if text:
                found[name] = _number(name, text, 0, 1_000_000)
        text = str(next(iter(_all(given, "limit")), "")).strip()
        if text:
            found["limit"] = int(_number("limit", text, 1, LARGEST_PAGE))
        return cls(**found)

    def parameters(self) -> dict[str, Any]:
        """Return the parameters that give this query again, without those at their defaults and without the cursor."""
        found: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name != "cursor" and value != one.default:
                found[one.name] = [v or "-" for v in value] if isinstance(value, tuple) else value
        return found


def _all(given: Mapping[str, Any], name: str) -> Iterable[Any]:
    several = getattr(given, "getlist", None)
    if several is not None:
        return list(several(name))
    value = given.get(name)
    if value is None:
        return []
    return value if isinstance(value, list | tuple) else [value]


def _check(name: str, values: tuple[str, ...]) -> None:
    if len(values) > _MOST or any(len(value) > _LONGEST or "\0" in value for value in values):
        raise ValueError(f"{name}: too long, or too many values")
    for value in values:
        if name in _CHOICES and value not in _CHOICES[name]:
            raise ValueError(f"{name}: {value[:40]!r} is none of {', '.join(_CHOICES[name])}")


def _number(name: str, text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{name}: {text[:40]!r} is no number") from None
    if not low <= value <= high:
        raise ValueError(f"{name}: {text[:40]} is not between {low:g} and {high:g}")
    return value
