"""Alerts as lines of ArcSight's Common Event Format, version 0.

Source: ArcSight, Implementing Common Event Format, version 23 (keys, their lengths, escaping). In the header a backslash and a
pipe are escaped, in the extension a backslash and an equals sign; an end of line is written ``\\n`` there and a space here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from schemas import ENGINE_VERSION
from schemas.alert import Alert
from schemas.export._parts import ACTIONS, codes, millis, party, told
from schemas.export.projection import Projection
from schemas.types import Severity

#: CEF: 0-3 low, 4-6 medium, 7-8 high, 9-10 very high. The lowest of each band, and how far it goes.
_BANDS: Mapping[Severity, tuple[int, int]] = {"low": (0, 3), "medium": (4, 2), "high": (7, 1), "critical": (9, 1)}
#: Risk from which a severity begins by default (25, 50, 75), which a quarter of 0 to 100 follows.
_BEGINS: Mapping[Severity, int] = {"low": 0, "medium": 25, "high": 50, "critical": 75}

#: Characters that end a line somewhere: to a receiver that reads lines, each would be a second event.
_LINE_ENDS = re.compile("\r\n|[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f]")

#: Longest texts of the keys used, in characters before escaping.
_LONGEST = {"msg": 1023, "request": 1023, "suser": 1023, "duser": 1023, "suid": 1023, "duid": 1023, "cat": 1023}
_CUSTOM = 4000


def severity(alert: Alert) -> int:
    """Return 0 to 10: the band of the alert's severity, and within it by risk."""
    lowest, width = _BANDS[alert.severity]
    share = min(max((alert.risk_score - _BEGINS[alert.severity]) / 25, 0.0), 1.0)
    return lowest + round(width * share)


def header(text: str) -> str:
    """Return a text as a field of the header.

    >>> header("a|b\\\\c")
    'a\\\\|b\\\\\\\\c'
    """
    flat = _CONTROL.sub(" ", _LINE_ENDS.sub(" ", text))
    return flat.replace("\\", "\\\\").replace("|", "\\|")


def value(text: str) -> str:
    """Return a text as a value of the extension, on one line."""
    escaped = _CONTROL.sub(" ", text).replace("\\", "\\\\").replace("=", "\\=")
    return _LINE_ENDS.sub(r"\\n", escaped)


def project(alert: Alert, link: str | None = None) -> str:
    """Return the line, without its end."""
    found = codes(alert)
    head = [
        "CEF:0",
        "Assay",
        "Assay",
        ENGINE_VERSION,
        found[0] if found else "ALERT",
        alert.title,
        str(severity(alert)),
    ]
    extension = " ".join(
        f"{key}={value(text[: _LONGEST.get(key, _CUSTOM)])}" for key, text in _extension(alert, link) if text
    )
    return "|".join([*map(header, head), extension])


def _extension(alert: Alert, link: str | None) -> Iterator[tuple[str, str | None]]:
    yield "rt", str(millis(alert.updated_at))
    yield "start", str(millis(alert.event_time))
    yield "externalId", alert.alert_id
    yield "act", ACTIONS[alert.status]
    yield "cat", "customs declaration"
    yield "cn1Label", "riskScore"
    yield "cn1", str(alert.risk_score)
    yield "cn2Label", "revision"
    yield "cn2", str(alert.revision)
    yield "cn3Label", "declarationVersion"
    yield "cn3", str(alert.declaration_version)
    yield "cfp1Label", "confidence"
    yield "cfp1", f"{alert.confidence:.4f}"
    yield "suser", party(alert, "exporter", "declarant", "traveller")
    yield "suid", next((one.id for one in alert.entities if one.role == "exporter"), None)
    yield "duser", party(alert, "consignee")
    yield "duid", next((one.id for one in alert.entities if one.role == "consignee"), None)
    yield from _labelled(1, "codes", ", ".join(codes(alert)))
    yield from _labelled(2, "evidence", "; ".join(dict.fromkeys(_evidence(alert))))
    yield from _labelled(3, "declarationId", alert.declaration_id)
    yield from _labelled(4, "substances", ", ".join(alert.substances))
    yield from _labelled(5, "groupKey", alert.group_key)
    yield from _labelled(6, "mrn", alert.mrn)
    yield "request", link
    yield "msg", alert.summary


def _labelled(number: int, label: str, text: str | None) -> Iterator[tuple[str, str | None]]:
    """Yield a custom string with its label, or nothing: a label without its string would mislead."""
    if text:
        yield f"cs{number}Label", label
        yield f"cs{number}", text


def _evidence(alert: Alert) -> Iterator[str]:
    for reason in alert.reasons:
        for one in reason.evidence:
            yield f"{one.path or '/'}: {told(one.observed)}"


PROJECTION = Projection("cef", "ArcSight Common Event Format, a line each", "text/plain; charset=utf-8", project)
