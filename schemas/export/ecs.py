"""Alerts as Elastic documents: ECS fields, and ``kibana.alert.*`` as Kibana's detection alerts have them.

Sources: Elastic Common Schema (event, rule, related, tags, message), Kibana's alert schema. ``_id`` is the alert's id and is
the document's own, no field: ``assay forward elasticsearch`` takes it out of the body. Everything of ours stands below
``assay``, with one type a field, so that dynamic mapping never meets a number where a text was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas import ENGINE_VERSION
from schemas.alert import Alert, AlertStatus
from schemas.export import cloudevents
from schemas.export._parts import (
    ACTIONS,
    RANKS,
    codes,
    declared,
    labels,
    observables,
    plain,
    rfc3339,
    told,
    typologies,
    without_null,
)
from schemas.export.projection import Projection, compact

#: The ECS release whose names are used here.
ECS_VERSION = "8.17.0"
#: Kibana's words: ``status`` is whether the grounds hold, ``workflow_status`` what an analyst does with it.
_STATUSES: Mapping[AlertStatus, str] = {"open": "active", "updated": "active", "withdrawn": "recovered"}
_WORKFLOW: Mapping[AlertStatus, str] = {"open": "open", "updated": "open", "withdrawn": "closed"}

_KEYWORD = {"type": "keyword", "ignore_above": 8191}  # Lucene's longest term is 32,766 bytes, four a letter
_TEXT = {"type": "text"}
_DATE = {"type": "date"}
#: An index template that fits these documents: `assay forward elasticsearch --template` prints it.
TEMPLATE: dict[str, Any] = {
    "index_patterns": ["assay-alerts*"],
    "priority": 200,
    "template": {
        "settings": {"index.mapping.total_fields.limit": 2000},
        "mappings": {
            "date_detection": False,
            "dynamic_templates": [{"texts": {"match_mapping_type": "string", "mapping": _KEYWORD}}],
            "properties": {
                "@timestamp": _DATE,
                "message": _TEXT,
                "event": {
                    "properties": {
                        "original": {"type": "keyword", "index": False, "doc_values": False},
                        "created": _DATE,
                        "start": _DATE,
                        "risk_score": {"type": "float"},
                        "severity": {"type": "long"},
                    }
                },
                "kibana": {
                    "properties": {
                        "alert": {
                            "properties": {
                                "start": _DATE,
                                "last_detected": _DATE,
                                "original_time": _DATE,
                                "reason": _TEXT,
                                "risk_score": {"type": "float"},
                            }
                        }
                    }
                },
                "assay": {
                    "properties": {
                        "revision": {"type": "long"},
                        "confidence": {"type": "float"},
                        "reasons": {
                            "properties": {
                                "score": {"type": "float"},
                                "item": {"type": "long"},
                                "explanation": _TEXT,
                                "evidence": {"type": "flattened"},
                            }
                        },
                    }
                },
            },
        },
    },
}


def project(alert: Alert, link: str | None = None) -> dict[str, Any]:
    """Return the document, with its id as ``_id``; unknown fields are left out."""
    first = alert.reasons[0] if alert.reasons else None
    return without_null(
        {
            "_id": alert.alert_id,
            "@timestamp": rfc3339(alert.updated_at),
            "ecs": {"version": ECS_VERSION},
            "message": alert.summary,
            "tags": labels(alert),
            "event": without_null(
                {
                    "kind": "signal",
                    "action": f"alert-{ACTIONS[alert.status]}",
                    "id": cloudevents.event_id(alert),
                    "module": "assay",
                    "dataset": "assay.alerts",
                    "provider": "assay",
                    "severity": RANKS[alert.severity],
                    "risk_score": alert.risk_score,
                    "created": rfc3339(alert.raised_at),
                    "start": rfc3339(alert.event_time),
                    "reference": alert.provenance.origin,
                    "url": link,
                    "original": compact(plain(alert)),
                }
            ),
            "observer": {"vendor": "Assay", "product": "Assay", "type": "customs", "version": ENGINE_VERSION},
            "rule": without_null(
                {
                    "id": first.detector if first else None,
                    "name": first.title if first else alert.title,
                    "category": first.code if first else None,
                    "version": first.detector_version if first else None,
                    "ruleset": alert.provenance.rules,
                }
            ),
            **{f"kibana.alert.{name}": value for name, value in _kibana(alert, link).items()},
            "assay": _assay(alert),
        }
    )


def _kibana(alert: Alert, link: str | None) -> dict[str, Any]:
    return without_null(
        {
            "uuid": alert.alert_id,
            "status": _STATUSES[alert.status],
            "workflow_status": _WORKFLOW[alert.status],
            "severity": alert.severity,
            "risk_score": alert.risk_score,
            "reason": alert.summary,
            "start": rfc3339(alert.raised_at),
            "last_detected": rfc3339(alert.updated_at),
            "original_time": rfc3339(alert.event_time),
            "rule.name": alert.title,
            "rule.tags": labels(alert),
            "url": link,
        }
    )


def _assay(alert: Alert) -> dict[str, Any]:
    return without_null(
        {
            "revision": alert.revision,
            "status": alert.status,
            "declaration_id": alert.declaration_id,
            "declaration_version": alert.declaration_version,
            "mrn": alert.mrn,
            "confidence": alert.confidence,
            "selected_by": list(alert.selected_by),
            "group_key": alert.group_key,
            "related": alert.related,
            "substances": alert.substances,
            "codes": codes(alert),
            "typologies": typologies(alert),
            "regime": declared(alert, "regime"),
            "office": declared(alert, "office"),
            "country_of_export": declared(alert, "country_of_export"),
            "country_of_destination": declared(alert, "country_of_destination"),
            "entities": [without_null(one.model_dump()) for one in alert.entities],
            "observables": list(dict.fromkeys(found.value for found in observables(alert))),
            "reasons": [
                without_null(
                    {
                        "code": reason.code,
                        "detector": reason.detector,
                        "severity": reason.severity,
                        "score": reason.score,
                        "item": reason.item,
                        "title": reason.title,
                        "explanation": reason.explanation,
                        "evidence": [
                            without_null(
                                {
                                    "path": one.path,
                                    "observed": told(one.observed),
                                    "expected": told(one.expected),
                                    "reference": one.reference,
                                }
                            )
                            for one in reason.evidence
                        ],
                    }
                )
                for reason in alert.reasons
            ],
        }
    )


PROJECTION = Projection("ecs", "Elastic Common Schema with kibana.alert.*", "application/json", project)
