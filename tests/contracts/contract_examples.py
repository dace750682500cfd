"""One good record of each contract, as the JSON that crosses the boundary, in full: every optional field is filled."""

from __future__ import annotations

import json
from typing import Any

PARTY = {
    "id": "GB987654321000",
    "name": "Example Metals Ltd",
    "address": "1 Quay Road",
    "city": "Felixstowe",
    "postcode": "IP11 3SY",
    "country": "GB",
    "phone": "+44 1394 000000",
    "email": "trade@example.org",
}

LICENCE = {
    "type": "X002",
    "reference": "LIC-2026-1",
    "issued_on": "2026-01-05",
    "expires_on": "2026-12-31",
    "status": "JP",
    "quantity_kg": 5000.0,
    "holder": "Example Metals Ltd",
    "end_user": "Some Foundry Co",
}
PREVIOUS = LICENCE | {"type": "N337", "reference": "GB/TSD-1"}

ITEM = {
    "number": 1,
    "commodity_code": "8112929010",
    "description": "Gallium 金属镓, 6N, in bottles",
    "origin": "CN",
    "net_mass_kg": 1000.0,
    "gross_mass_kg": 1040.0,
    "volume_m3": 0.4,
    "quantity": {"value": 1000.0, "unit": "KGM"},
    "value": {"amount": 446000.0, "currency": "USD"},
    "statistical_value": {"amount": 352000.0, "currency": "GBP"},
    "procedure": "1040",
    "additional_procedures": ["F61"],
    "cas": "7440-55-3",
    "packages": [{"type": "CT", "count": 40, "marks": "LOT 4711"}],
    "documents": [LICENCE],
    "previous_documents": [PREVIOUS],
}

DECLARATION = {
    "schema": "declaration/1",
    "event": "lodged",
    "declaration_id": "cds:GB987654321000:LRN-2026-000417",
    "version": 1,
    "mrn": "26GB12345678901234",
    "local_reference": "LRN-2026-000417",
    "ucr": "6GB987654321000-417",
    "lodged_at": "2026-11-20T08:14:05Z",
    "source": {
        "system": "cds",
        "format": "wco-dm-3.6",
        "received_at": "2026-11-20T08:14:06Z",
        "origin": "raw.cds/3@88121",
    },
    "regime": "export",
    "declaration_type": "EXA",
    "procedure": "1040",
    "office": "GB000060",
    "exit_office": "GB000067",
    **dict.fromkeys(("declarant", "agent", "exporter", "consignee", "notify", "carrier", "traveller"), PARTY),
    "country_of_export": "CN",
    "country_of_destination": "TH",
    "routing": ["CN", "VN", "TH"],
    "transport": {
        "mode": "sea",
        "identity": "EVER TEST",
        "nationality": "PA",
        "containers": ["MSKU1234565"],
        "inland_mode": "road",
        "seals": ["SEAL1"],
    },
    "gross_mass_kg": 1040.0,
    "package_count": 40,
    "invoice_value": {"amount": 446000.0, "currency": "USD"},
    "documents": [PREVIOUS | {"type": "N380", "reference": "INV-1"}],
    "previous_documents": [PREVIOUS],
    "items": [ITEM],
}

FINDING = {
    "finding_id": "7d444840-9dc0-51d1-b245-5ffdce74fad2",
    "declaration_id": DECLARATION["declaration_id"],
    "declaration_version": 1,
    "item": 1,
    "code": "CONTROL-NO-LICENCE",
    "detector": "rules",
    "detector_version": "2026.11",
    "score": 0.8,
    "severity": "high",
    "title": "Gallium without a licence",
    "explanation": "Item 1 is gallium, which needs a licence since 2023-08-01; no licence document is declared.",
    "evidence": [
        {
            "path": "/items/0/commodity_code",
            "observed": "8112929010",
            "expected": ["X002"],
            "reference": "controls CN-2023-23",
        }
    ],
    "typologies": ["gallium-as-legitimate-product"],
    "substances": ["gallium"],
    "observed_at": "2026-11-20T08:14:05Z",
}

VERDICT = {
    "schema": "verdict/1",
    "stage": "screen",
    "key": "splitting:party/1f0c0e5d8a7b4c3d2e1f0a9b",
    "declaration_id": DECLARATION["declaration_id"],
    "declaration_version": 1,
    "event": "lodged",
    "event_time": "2026-11-20T08:14:05Z",
    "findings": [FINDING],
    "declaration": {"regime": "export"},
    "keys": ["party/1f0c0e5d8a7b4c3d2e1f0a9b"],
    "provenance": {"rules": "metals@1"},
}

SIGNALS = {
    "schema": "signals/2",
    "origin": "declarations/3@1180",
    "quiet": False,
    "facts": [
        {
            "declaration_id": DECLARATION["declaration_id"],
            "version": 1,
            "event": "lodged",
            "time": "2026-11-20T08:14:05Z",
            "regime": "export",
            "mode": "sea",
            "office": "GB000060",
            "country_of_export": "CN",
            "country_of_destination": "TH",
            "routed": True,
            "via": ["VN"],
            "net_mass_kg": 1000.0,
            "value_usd": 446000.0,
            "headings": ["811292"],
            "parties": [
                {
                    "role": "exporter",
                    "key": "party/1f0c0e5d8a7b4c3d2e1f0a9b",
                    "name_key": "name/9a8b7c6d5e4f3a2b1c0d9e8f",
                    "shown": "Hunan Example Metals Co., Ltd",
                    "country": "CN",
                    "person": False,
                }
            ],
            "watched": True,
            "contacts": [
                {
                    "role": "exporter",
                    "kind": "phone",
                    "key": "link/phone/0a1b2c3d4e5f60718293a4b5",
                    "shown": "+86 138 **** 1234",
                }
            ],
            "goods": [
                {
                    "item": 1,
                    "hs6": "811292",
                    "substance": "gallium",
                    "element": "gallium",
                    "named": True,
                    "controlled": True,
                    "licensed": False,
                    "net_mass_kg": 1000.0,
                    "value_usd": 446000.0,
                    "tightened": ["2026-11-28"],
                    "price_fits": "gallium",
                }
            ],
            "licences": [
                {
                    "reference": "mofcom20261234",
                    "item": 1,
                    "kind": "4",
                    "net_mass_kg": 1000.0,
                    "licensed_kg": 2000.0,
                    "expires_on": "2027-06-30",
                    "holder": "name/9a8b7c6d5e4f3a2b1c0d9e8f",
                    "holder_shown": "Hunan Example Metals",
                    "end_user": "name/5a6b7c8d9e0f1a2b3c4d5e6f",
                    "end_user_shown": "Siam Example Users",
                }
            ],
            "risk": 62,
            "found": ["CONTROL-NO-LICENCE"],
            "text": "5d41402abc4b2a76",
        }
    ],
    "signals": [{"key": "party/1f0c0e5d8a7b4c3d2e1f0a9b", "fact": 0}],
    "feedback": [
        {
            "key": "party/1f0c0e5d8a7b4c3d2e1f0a9b",
            "declaration_id": DECLARATION["declaration_id"],
            "verdict": "true_positive",
            "codes": ["MISLABEL-NAME"],
            "decided_at": "2026-11-21T10:00:00Z",
        }
    ],
}

ALERT = {
    "schema": "alert/1",
    "alert_id": "0d6d5b8e-5f4e-5a7c-9f47-0a3a2b7f3b11",
    "revision": 2,
    "status": "updated",
    "declaration_id": DECLARATION["declaration_id"],
    "declaration_version": 1,
    "mrn": DECLARATION["mrn"],
    "raised_at": "2026-11-20T08:14:06Z",
    "updated_at": "2026-11-20T09:00:00Z",
    "event_time": "2026-11-20T08:14:05Z",
    "risk_score": 91,
    "severity": "critical",
    "confidence": 0.87,
    "selected_by": ["risk"],
    "title": "Gallium without a licence, routed through Thailand",
    "summary": "1,000 kg of gallium leave for Thailand without a licence document.",
    "substances": ["gallium"],
    "reasons": [FINDING],
    "entities": [{"role": "exporter", "id": "GB987654321000", "name": "Example Metals Ltd", "country": "GB"}],
    "group_key": "exporter:GB987654321000",
    "related": ["1c1d1a0e-0000-5000-8000-000000000000"],
    "declaration": {"regime": "export"},
    "provenance": {
        "rules": "metals@1",
        "reference": "2026-11",
        "models": {"text": "3"},
        "engine": "0.1.0",
        "origin": "declarations/3@1180",
    },
}

DISPOSITION = {
    "schema": "disposition/1",
    "alert_id": ALERT["alert_id"],
    "declaration_id": DECLARATION["declaration_id"],
    "verdict": "true_positive",
    "confirmed_codes": ["CONTROL-NO-LICENCE"],
    "found": {"substance": "gallium", "commodity_code": "811292", "net_mass_kg": 998.5},
    "revenue_recovered": {"amount": 120000.0, "currency": "EUR"},
    "analyst": "officer-17",
    "note": "Bottles opened; spectrometer says gallium.",
    "decided_at": "2026-11-22T10:00:00Z",
}

LABEL = {
    "declaration_id": DECLARATION["declaration_id"],
    "typologies": ["gallium-as-legitimate-product"],
    "substances": ["gallium"],
    "scenario": "gallium-as-legitimate-product",
    "look_alike": "zinc-alloy",
    "case": "split-shipments/17",
    "due": True,
    "lodged_at": "2026-11-20T08:14:05Z",
}

DEAD_LETTER = {
    "schema": "dead-letter/1",
    "dead_letter_id": "3f333df6-90a4-5fda-8dd3-9485d27cee36",
    "stage": "decode",
    "reason": "Input should be a valid number, got 'x'",
    "path": "/items/0/net_mass_kg",
    "error": "ContractError",
    "origin": "declarations/3@1180",
    "format": "declaration/1",
    "key": "cds:1",
    "at": "2026-11-20T08:14:06Z",
    "payload": "e30=",
    "payload_bytes": 2,
    "truncated": False,
    "engine": "0.1.0",
}

REFERENCE = {
    "schema": "reference/1",
    "table": "pegs",
    "version": "2026-11",
    "issued_at": "2026-11-20T00:00:00Z",
    "note": "one row changed",
    "entries": [{"currency": "HKD", "anchor": "USD", "units": 7.8, "status": "verified", "source": "HKMA"}],
}

MODEL_REF = {"version": "3", "uri": "models:/assay.outlier/3", "sha256": "5" * 64}

MODEL = {
    "schema": "model/1",
    "name": "outlier",
    "champion": MODEL_REF,
    "previous": MODEL_REF | {"version": "2"},
    "challenger": MODEL_REF | {"version": "4"},
    "at": "2026-11-20T09:00:00Z",
    "by": "i.okafor",
    "why": "better on October",
}

SHADOW = {
    "schema": "shadow/1",
    "model": "outlier",
    "champion": "3",
    "challenger": "4",
    "origin": "declarations/3@1180",
    "scores": [
        {
            "declaration_id": "cds:1",
            "version": 1,
            "champion": 0.25,
            "challenger": 0.75,
            "champion_hit": False,
            "challenger_hit": True,
        }
    ],
}

NOTICE = {
    "schema": "notice/1",
    "notice_id": "MODEL-DRIFT/outlier/3/2026-11-20",
    "kind": "system",
    "code": "MODEL-DRIFT",
    "subject": "outlier",
    "severity": "medium",
    "title": "outlier sees other goods than it was trained on",
    "text": "Population stability index of net_mass_kg 0.41 (0.25 is large).",
    "measures": {"psi": 0.41},
    "at": "2026-11-20T09:00:00Z",
    "event_time": "2026-11-20T08:14:05Z",
}

#: By the names of `schemas.export.json_schema.CONTRACTS`.
RECORDS: dict[str, dict[str, Any]] = {
    "declaration": DECLARATION,
    "finding": FINDING,
    "verdict": VERDICT,
    "signals": SIGNALS,
    "alert": ALERT,
    "disposition": DISPOSITION,
    "label": LABEL,
    "dead-letter": DEAD_LETTER,
    "model": MODEL,
    "shadow": SHADOW,
    "notice": NOTICE,
    "reference": REFERENCE,
}


def record(name: str) -> dict[str, Any]:
    """Return a copy of the good record of a contract, free to be spoilt."""
    found: dict[str, Any] = json.loads(json.dumps(RECORDS[name]))
    return found
