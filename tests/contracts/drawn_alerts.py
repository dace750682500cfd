"""Alerts as hypothesis draws them: every field of the contract, with texts that formats trip over."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from schemas.alert import Alert, Entity, Provenance
from schemas.finding import Evidence, Finding

#: What one format or another gives a meaning to, beside any other text.
_TRICKY = st.sampled_from(
    [*'|=\\]"{\n\x85\u2028\x00 ', "\\|", "a=b|c\\", "\r\n", '"]\\', "镓·锭", "🧪", "Ωmega", "e\u0301"]
)


def texts(longest: int) -> st.SearchStrategy[str]:
    """Texts of 1 to so many characters."""
    return st.lists(_TRICKY | st.text(max_size=20), min_size=1, max_size=8).map(
        lambda parts: ("".join(parts) or "x")[:longest]
    )


_TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))
_SEVERITIES = st.sampled_from(["low", "medium", "high", "critical"])
_SHARES = st.floats(0, 1)
_NAMES = st.lists(st.sampled_from(["gallium", "antimony", "T05", "a,b"]) | texts(30), max_size=3)
_OBSERVED = (
    st.none() | st.booleans() | st.integers() | st.floats() | texts(40) | _NAMES | st.lists(st.floats(), max_size=3)
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts(20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(10), inner, max_size=3),
    max_leaves=6,
)
_EVIDENCE = st.builds(
    Evidence,
    path=st.sampled_from(["", "/items/0/description", "/a~1b", "/with space|=]"]),
    observed=_OBSERVED, expected=_OBSERVED, reference=st.none() | texts(60),
)  # fmt: skip
_FINDINGS = st.builds(
    Finding,
    finding_id=st.uuids().map(str), declaration_id=texts(60), declaration_version=st.integers(1, 99),
    item=st.none() | st.integers(1, 9999), code=st.sampled_from(["MISLABEL-NAME", "ROUTE-DETOUR", "CONTROL-PROHIBITED"]),
    detector=texts(20), detector_version=texts(9), score=_SHARES, severity=_SEVERITIES, title=texts(80),
    explanation=texts(200), evidence=st.lists(_EVIDENCE, max_size=3), typologies=_NAMES, substances=_NAMES, observed_at=_TIMES,
)  # fmt: skip
_ENTITIES = st.builds(
    Entity,
    role=st.sampled_from(["exporter", "consignee", "declarant", "traveller"]) | texts(12),
    id=st.none() | texts(30), name=st.none() | texts(40), country=st.none() | st.sampled_from(["CN", "US", "XI"]),
)  # fmt: skip
_DECLARATIONS = _JSON.map(lambda value: {"items": value, "transport": value, "regime": value}) | st.fixed_dictionaries(
    {
        "transport": st.fixed_dictionaries(
            {"identity": st.none() | texts(20), "containers": st.lists(_JSON, max_size=2)}
        ),
        "items": st.lists(st.fixed_dictionaries({"commodity_code": st.none() | texts(10)}) | _JSON, max_size=3),
        "country_of_export": st.sampled_from(["CN", None, ""]),
    }
)
ALERTS: st.SearchStrategy[Alert] = st.builds(
    Alert,
    alert_id=st.uuids().map(str) | texts(255), revision=st.integers(1, 2**31), declaration_id=texts(255),
    status=st.sampled_from(["open", "updated", "withdrawn"]), declaration_version=st.integers(1, 99), mrn=st.none() | texts(18),
    raised_at=_TIMES, updated_at=_TIMES, event_time=_TIMES, risk_score=st.integers(0, 100), severity=_SEVERITIES,
    confidence=_SHARES, selected_by=st.lists(st.sampled_from(["risk", "mandatory", "random"]), max_size=3), title=texts(512),
    summary=texts(2000), substances=_NAMES, reasons=st.lists(_FINDINGS, max_size=3), entities=st.lists(_ENTITIES, max_size=3),
    group_key=st.none() | texts(60), related=st.lists(st.uuids().map(str), max_size=2), declaration=_DECLARATIONS,
    provenance=st.builds(
        Provenance, rules=texts(20), reference=texts(20), models=st.dictionaries(texts(8), texts(8), max_size=2),
        engine=texts(8), origin=st.none() | texts(30),
    ),
)  # fmt: skip
