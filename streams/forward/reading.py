"""From a record to an envelope."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from pydantic import ValidationError

from schemas.alert import Alert
from schemas.errors import RecordError
from schemas.export.projection import Projection
from streams.forward.target import Envelope

#: Alert to the line that the receiver gets.
Line = Callable[[Alert], str]


def read(raw: bytes, line: Line, origin: str, partition: int, offset: int) -> Envelope:
    """Return the envelope of one record; RecordError if it is no alert."""
    try:
        alert = Alert.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = "".join(f"/{part}" for part in first["loc"])
        raise RecordError(f"no alert: {first['msg']} ({error.error_count()} mistakes)", where) from None
    return Envelope(alert, line(alert), origin, partition, offset)


def lines(chosen: Projection, link: str | None) -> Line:
    """Return how alerts become lines of a format.

    Parameters
    ----------
    link : address of an alert with ``{alert_id}`` or ``{declaration_id}`` in it, or None.
    """

    def line(alert: Alert) -> str:
        return chosen.line(alert, linked(link, alert))

    return line


def linked(link: str | None, alert: Alert) -> str | None:
    """Return the address of an alert, ids percent-encoded.

    >>> linked(None, None)
    """
    if link is None:
        return None
    ids = {"{alert_id}": alert.alert_id, "{declaration_id}": alert.declaration_id}
    for mark, identity in ids.items():
        link = link.replace(mark, quote(identity, safe=""))
    return link
