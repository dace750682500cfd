"""Declarations and items as JSON-ready dicts with the names of the contract. What is not told is ``None``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any

from streams.simulate.firms import Party
from streams.simulate.goods import BULK, TARE
from streams.simulate.prices import PER_USD

Item = dict[str, Any]
Row = dict[str, Any]

#: Type of a Chinese dual-use export licence among the documents. Declarations name it in words or by national letters that differ
#: by regime; this neutral name is Assay's own. ``X002`` is the EU code of a dual-use export authorisation.
LICENCE = "DUAL-USE-LICENCE"
EU_LICENCE = "X002"


def item(
    number: int,
    code: str | None,
    text: str | None,
    net_kg: float | None,
    usd: float | None,
    pack: str | None = "CT",
    kg_pack: float = 25.0,
    *,
    currency: str = "USD",
    gross_kg: float | None = None,
    count: int | None = None,
    origin: str | None = None,
    volume_m3: float | None = None,
    cas: str | None = None,
    marks: str | None = None,
    pieces: int | None = None,
    documents: Sequence[dict[str, Any]] = (),
) -> Item:
    """Return one goods item. ``usd`` is the value of the whole item; gross mass and package count follow if not given."""
    quantity = None
    if net_kg is not None:
        net_kg = round(net_kg, 3 if net_kg < 100 else 1)
        if pack is not None and count is None:
            count = None if pack in BULK else max(1, ceil(net_kg / kg_pack))
        if gross_kg is None:
            gross_kg = round(net_kg * (1.0 + TARE.get(pack or "CT", 0.05)), 3 if net_kg < 100 else 1)
        quantity = {"value": net_kg, "unit": "KGM"} if pieces is None else {"value": pieces, "unit": "NAR"}
    return {
        "number": number,
        "commodity_code": code,
        "description": text,
        "origin": origin,
        "net_mass_kg": net_kg,
        "gross_mass_kg": gross_kg,
        "volume_m3": volume_m3,
        "quantity": quantity,
        "value": None if usd is None else {"amount": round(usd * PER_USD[currency], 2), "currency": currency},
        "cas": cas,
        "packages": [] if pack is None else [{"type": pack, "count": count, "marks": marks}],
        "documents": list(documents),
    }


def document(kind: str, reference: str) -> dict[str, Any]:
    """Return a document with a number only, as most are declared."""
    return {"type": kind, "reference": reference}


def licence(
    when: datetime,
    number: str,
    quantity_kg: float,
    holder: str | None,
    end_user: str | None,
    *,
    age_days: int = 40,
    valid_days: int = 180,
    kind: str = LICENCE,
) -> dict[str, Any]:
    """Return a dual-use licence, issued some days before ``when``."""
    issued: date = (when - timedelta(days=age_days)).date()
    return {
        "type": kind,
        "reference": f"{issued.year}-DU-{number}",
        "issued_on": issued.isoformat(),
        "expires_on": (issued + timedelta(days=valid_days)).isoformat(),
        "quantity_kg": round(quantity_kg, 1),
        "holder": holder,
        "end_user": end_user,
    }


def declaration(
    reference: str,
    items: list[Item],
    *,
    declarant: Party,
    regime: str = "export",
    system: str = "cn-sw",
    procedure: str | None = "0110",
    office: str | None = None,
    exit_office: str | None = None,
    exporter: Party | None = None,
    consignee: Party | None = None,
    notify: Party | None = None,
    carrier: Party | None = None,
    traveller: Party | None = None,
    export: str | None = "CN",
    destination: str | None = None,
    routing: Sequence[str] = (),
    transport: dict[str, Any] | None = None,
    gross_kg: float | None = None,
    count_packages: bool = True,
) -> Row:
    """Return a lodgement. ``lodged_at`` is left to the feed, which knows the time."""
    if gross_kg is None:
        gross_kg = round(sum(i["gross_mass_kg"] or 0.0 for i in items), 2) or None
    packages: int | None = None
    if count_packages:
        packages = sum(p["count"] or 0 for i in items for p in i["packages"]) or None
    return {
        "schema": "declaration/1",
        "event": "lodged",
        "declaration_id": f"{system}:{declarant['id']}:{reference}",
        "version": 1,
        "mrn": None,
        "lodged_at": None,
        "source": {"system": system, "format": "declaration/1", "received_at": None, "origin": None},
        "regime": regime,
        "procedure": procedure,
        "office": office,
        "exit_office": exit_office,
        "declarant": declarant,
        "exporter": exporter,
        "consignee": consignee,
        "notify": notify,
        "carrier": carrier,
        "traveller": traveller,
        "country_of_export": export,
        "country_of_destination": destination,
        "routing": list(routing),
        "transport": transport,
        "gross_mass_kg": gross_kg,
        "package_count": packages,
        "items": items,
    }
