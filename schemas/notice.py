"""News about Assay itself (topic ``notices``): a model that drifts, or that was refused. Not about a declaration: no alert."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.types import Contract, Identifier, LongText, Severity, ShortText, UtcTime


class Notice(Contract):
    """One thing that whoever runs Assay should know; key ``notice_id``, the newest record counts.

    ``subject`` is what it is about (a model's name), ``code`` what is wrong with it; ``event_time`` the time of the
    declarations that it rests on, None where it rests on none; ``measures`` the figures behind it.
    """

    schema_: Annotated[Literal["notice/1"], Field(alias="schema")] = "notice/1"
    notice_id: Identifier
    kind: Literal["system"] = "system"
    code: Literal["MODEL-DRIFT", "MODEL-REFUSED", "LABEL-DRIFT"]
    subject: Identifier
    severity: Severity
    title: ShortText
    text: LongText
    measures: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = Field(default_factory=dict)
    at: UtcTime
    event_time: UtcTime | None = None
