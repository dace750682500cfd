"""Declarations that make each rule speak which the simulated feed does not reach, by rule."""

from __future__ import annotations

from typing import Any

from judged_rows import LACKING, row

from detectors import engine
from detectors.rules.examples import completed
from schemas.decode import Row

GALLIUM = {"number": 1, "commodity_code": "8112929010", "description": "Gallium ingots 99.9999%", "net_mass_kg": 500.0}
FROM_CHINA = {"country_of_export": "CN", "country_of_destination": "JP"}


def _licensed(**document: Any) -> dict[str, Any]:
    return FROM_CHINA | {
        "exporter": {"id": "CN1", "name": "Hunan Yongli Metals"},
        "consignee": {"id": "JP1", "name": "Nihon Kinzoku KK"},
        "items": [GALLIUM | {"documents": [{"type": "X002"} | document]}],
    }


def _goods(**item: Any) -> dict[str, Any]:
    return FROM_CHINA | {"items": [{"number": 1} | item]}


TELLING: dict[str, dict[str, Any]] = {
    "controlled-heading-no-licence": _goods(commodity_code="811010", net_mass_kg=100.0),
    "licence-expired": _licensed(expires_on="2024-01-01"),
    "licence-other-holder": _licensed(holder="Guangdong Quite Different Chemicals"),
    "licence-other-end-user": _licensed(end_user="Somebody Else Entirely GmbH"),
    "licence-quantity-exceeded": _licensed(quantity_kg=100.0),
    "claims-not-controlled": _goods(
        **{k: GALLIUM[k] for k in GALLIUM} | {"description": "Gallium metal 6N, not controlled"}
    ),
    "name-against-code-elsewhere": _goods(
        commodity_code="79012000", description="Antimony ingots 99.65%", net_mass_kg=500.0
    )
    | {"country_of_export": "TH"},
    "express-parcel-named": _goods(commodity_code="79012000", description="Gallium metal 6N", net_mass_kg=4.0)
    | {"carrier": {"name": "SF Express", "country": "CN"}, "transport": {"mode": "air", "containers": []}},
    "land-border-corridor": _goods(commodity_code="8110101000", description="Antimony ingots", net_mass_kg=20000.0)
    | {"country_of_destination": "VN", "transport": {"mode": "road", "containers": []}},
    "hinted-name-price-agrees": _goods(
        commodity_code="79012000",
        description="liquid metal",
        net_mass_kg=500.0,
        value={"amount": 225000.0, "currency": "USD"},
    ),
    "code-denied-by-text": _goods(commodity_code="8112929010", description="LED lamps", net_mass_kg=500.0),
    "too-dense-anyway": _goods(
        commodity_code="85072000", description="Batteries", net_mass_kg=9000.0, gross_mass_kg=9100.0, volume_m3=0.5
    ),
    "no-packing-on-light-goods": _goods(
        commodity_code="94036010", description="Wooden tables", net_mass_kg=9990.0, gross_mass_kg=10000.0
    ),
    "container-too-heavy": _goods(commodity_code="95030010", description="Plastic toys", gross_mass_kg=40000.0)
    | {"transport": {"mode": "sea", "containers": ["MSKU1234565"]}},
    "net-above-gross": _goods(commodity_code="79012000", net_mass_kg=1100.0, gross_mass_kg=1000.0),
    "purity-just-below-threshold": _goods(
        commodity_code="8110101000", description="Antimony 99.98%", net_mass_kg=100.0
    ),
    "purity-grade-on-ordinary-goods": _goods(
        commodity_code="79012000", description="Ingots 99.9999%", net_mass_kg=100.0
    ),
    "origin-without-production": _goods(
        commodity_code="8112929010", description="Gallium metal 4N", origin="SG", net_mass_kg=100.0
    ),
    "transit-country-of-record": _goods(commodity_code="8110101000", description="Antimony ingots", net_mass_kg=20000.0)
    | {"country_of_destination": "US", "routing": ["CN", "TH", "US"]},
    "onward-party-ordinary-goods": _goods(commodity_code="94036010", description="Wooden tables", net_mass_kg=900.0)
    | {
        "routing": ["CN", "VN", "SG", "JP"],
        "notify": {"name": "Broker", "country": "US"},
        "agent": {"name": "Agent", "country": "CN"},
    },
}


#: Further ways for evidence to come about: text in the marks only, a party that only the notify role names, a doubtful control.
ODD: dict[str, dict[str, Any]] = {
    "marks-only": _goods(
        commodity_code="7901200000", net_mass_kg=500.0, packages=[{"type": "DR", "count": 20, "marks": "镓 Gallium 6N"}]
    ),
    "cas-only": _goods(commodity_code="7901200000", net_mass_kg=500.0, cas="7440-55-3"),
    "notify-only": _goods(**GALLIUM)
    | {
        "exporter": {"name": "Hunan Yongli", "phone": "+86 731 8888 1234", "email": "yl@example.com"},
        "notify": {
            "name": "Army Ordnance Office",
            "country": "US",
            "phone": "0086 73188881234",
            "email": "YL@example.com",
        },
    },
    "prohibited-consignee": _goods(commodity_code="8110101000", description="Antimony ingots", net_mass_kg=5000.0)
    | {
        "lodged_at": "2025-01-15T08:00:00Z",
        "country_of_destination": "MX",
        "consignee": {"name": "Onward Metals Inc", "country": "US"},
    },
    "doubtful-control": _goods(commodity_code="2805309000", description="Holmium metal ingot", net_mass_kg=10.0),
}


def odd() -> list[Row]:
    """Return the declarations of :data:`ODD`."""
    return [row(LACKING | {"declaration_id": f"odd:{name}"} | made) for name, made in ODD.items()]


def telling(rule_id: str) -> list[Row]:
    """Return declarations on which a rule should speak: its own examples that are declarations, and those above."""
    rule = next(rule for rule in engine.default_models().rules.rules if rule.id == rule_id)
    parts = [each["declaration"] for each in rule.examples.match if "declaration" in each]
    rows = [row(completed(part, rule) | {"declaration_id": f"{rule_id}:{n}"}) for n, part in enumerate(parts)]
    if rule_id in TELLING:
        rows.append(row(LACKING | {"declaration_id": f"{rule_id}:telling"} | TELLING[rule_id]))
    return rows
