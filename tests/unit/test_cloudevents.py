"""Alerts as CloudEvents."""

from __future__ import annotations

from datetime import UTC, datetime

from schemas.alert import Alert, Provenance
from schemas.export import cloudevents

AT = datetime(2026, 11, 20, 8, 14, 5, 120_000, tzinfo=UTC)


def _alert(status: str = "open") -> Alert:
    return Alert(
        alert_id="a1", revision=3, status=status, declaration_id="cds:GB1:Ωmega", declaration_version=1,
        raised_at=AT, updated_at=AT, event_time=AT, risk_score=90, severity="critical", confidence=0.9,
        selected_by=["risk"], title="t", summary="s", reasons=[],
        provenance=Provenance(rules="r", reference="f", engine="e"),
    )  # fmt: skip


def test_headers_are_those_of_the_binary_mode() -> None:
    assert cloudevents.headers(_alert()) == [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"a1/3"),
        ("ce_source", b"/assay/correlate"),
        ("ce_type", b"assay.alert.opened"),
        ("ce_time", b"2026-11-20T08:14:05.120000Z"),
        ("ce_subject", "cds:GB1:Ωmega".encode()),
        ("content-type", b"application/json"),
    ]
    assert dict(cloudevents.headers(_alert("updated"), AT, "/x"))["ce_type"] == b"assay.alert.updated"
    withdrawn = dict(cloudevents.headers(_alert("withdrawn"), AT, "/x"))
    assert withdrawn["ce_type"] == b"assay.alert.withdrawn"
    assert withdrawn["ce_source"] == b"/x"
    assert withdrawn["ce_arrivedtime"] == b"2026-11-20T08:14:05.120000Z"
