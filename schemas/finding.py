"""What detectors say (findings), and the verdict of a stage on one declaration version (topic ``findings``)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.declaration import Event
from schemas.types import Contract, FindingCode, Identifier, LongText, Severity, Share, ShortText, UtcTime

Observed = str | int | float | bool | list[str] | list[float] | None


class Evidence(Contract):
    """One observation behind a finding.

    ``path`` is an RFC 6901 pointer into the declaration as sent; ``observed`` what stands there or was computed from
    it; ``expected`` what would have been ordinary; ``reference`` the list row, price band, feature or window used.
    """

    path: Annotated[str, Field(pattern=r"^(/.*)?$", max_length=512)]
    observed: Observed = None
    expected: Observed = None
    reference: ShortText | None = None


class Finding(Contract):
    """One thing one detector noticed about one declaration version."""

    finding_id: Identifier
    declaration_id: Identifier
    declaration_version: Annotated[int, Field(ge=1)]
    item: Annotated[int, Field(ge=1)] | None = None
    code: FindingCode
    detector: Identifier
    detector_version: Identifier
    score: Share
    severity: Severity
    title: ShortText
    explanation: LongText
    evidence: list[Evidence] = Field(default_factory=list)
    typologies: list[str] = Field(default_factory=list)
    substances: list[str] = Field(default_factory=list)
    observed_at: UtcTime


class Verdict(Contract):
    """All that one stage says of one declaration version: a record of the topic ``findings``.

    An empty ``findings`` is news too: it withdraws an alert that an earlier version had raised. ``declaration`` is the
    declaration as judged, already without personal data unless configured, so that an alert needs no second look-up.

    The profile stage says what it has to say profile by profile and key by key: ``key`` names both, and its verdict replaces only
    the one before it of the same key. ``keys`` are the profile keys that the declaration touched, for feedback.
    """

    schema_: Annotated[Literal["verdict/1"], Field(alias="schema")] = "verdict/1"
    stage: Literal["screen", "profile"]
    key: Annotated[str, Field(min_length=1, max_length=400)] | None = None
    declaration_id: Identifier
    declaration_version: Annotated[int, Field(ge=1)]
    event: Event
    event_time: UtcTime
    findings: list[Finding]
    declaration: dict[str, Any] = Field(default_factory=dict)
    keys: list[Identifier] = Field(default_factory=list)
    provenance: dict[str, Any] = Field(default_factory=dict)

    @property
    def slot(self) -> str:
        """What a later verdict on the same version replaces: the stage's, or the profile key's."""
        return self.stage if self.key is None else f"{self.stage}:{self.key}"
