"""OCSF 1.8.0, class Detection Finding (2004), as a JSON Schema: what Assay's projection uses of it, closed to anything else.

Written from the published class and objects (schema.ocsf.io; the names, types, requirements, enumerations and the constraints
"at least one of"). From the repository of the schema: the attributes and the enumerations of the class, of finding_info,
metadata, product, evidences, resource_details, analytic, observable, related_event and key_value_object. From memory, since
the dictionary was too large to look up: that times are milliseconds, that scores are integers, and the captions of
severity_id, confidence_id and risk_level_id.
"""

from __future__ import annotations

from typing import Any

TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
TEXTS: dict[str, Any] = {"type": "array", "items": TEXT, "minItems": 1}
WHOLE: dict[str, Any] = {"type": "integer"}
MILLIS: dict[str, Any] = {"type": "integer", "minimum": 0}
#: OCSF's json_t.
ANY: dict[str, Any] = {"type": ["object", "array", "string", "number", "boolean", "null"]}


def _object(required: list[str], at_least_one: list[str] | None = None, **attributes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "object", "properties": attributes, "required": required, "additionalProperties": False, "minProperties": 1,
    }  # fmt: skip
    if at_least_one:
        made["anyOf"] = [{"required": [name]} for name in at_least_one]
    return made


def _several(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of, "minItems": 1}


def _enumerated(id_name: str, caption_name: str, captions: dict[int, str]) -> dict[str, Any]:
    """An id of the enumeration, and with it the caption that belongs to it."""
    return {
        "allOf": [
            {"properties": {id_name: {"type": "integer", "enum": list(captions)}}},
            *(
                {
                    "if": {"required": [id_name], "properties": {id_name: {"const": number}}},
                    "then": {"properties": {caption_name: {"const": caption}}},
                }
                for number, caption in captions.items()
            ),
        ]
    }


PRODUCT = _object(["name"], name=TEXT, vendor_name=TEXT, uid=TEXT, version=TEXT, lang=TEXT, path=TEXT)
METADATA = _object(
    ["product", "version"], product=PRODUCT, version={"const": "1.8.0"}, uid=TEXT, sequence=WHOLE, correlation_uid=TEXT,
    log_name=TEXT, log_provider=TEXT, original_time=TEXT, modified_time=MILLIS, logged_time=MILLIS, profiles=TEXTS, labels=TEXTS,
)  # fmt: skip
ANALYTIC = _object(
    ["type_id"], ["name", "uid"], name=TEXT, uid=TEXT, version=TEXT, desc=TEXT, category=TEXT, type=TEXT,
    type_id={"enum": [0, 1, 2, 3, 4, 99]},
) | _enumerated("type_id", "type", {0: "Unknown", 1: "Rule", 2: "Behavioral", 3: "Statistical", 4: "Learning (ML/DL)"}
)  # fmt: skip
FINDING_INFO = _object(
    ["uid"], uid=TEXT, uid_alt=TEXT, title=TEXT, desc=TEXT, types=TEXTS, src_url=TEXT, product_uid=TEXT, data_sources=TEXTS,
    created_time=MILLIS, modified_time=MILLIS, first_seen_time=MILLIS, last_seen_time=MILLIS, analytic=ANALYTIC,
    related_analytics=_several(ANALYTIC),
    related_events=_several(_object(["uid"], uid=TEXT, product_uid=TEXT, type=TEXT, type_uid=WHOLE)),
    tags=_several(_object(["name"], ["value", "values"], name=TEXT, value=TEXT, values=TEXTS)),
)  # fmt: skip
EVIDENCE = _object([], ["data"], name=TEXT, uid=TEXT, data=ANY, verdict=TEXT, verdict_id=WHOLE)
RESOURCE = _object(
    [],
    ["name", "uid"],
    uid=TEXT,
    name=TEXT,
    type=TEXT,
    version=TEXT,
    group=TEXT,
    criticality=TEXT,
    labels=TEXTS,
    data=ANY,
)
OBSERVABLE = _object(["name", "type_id"], name=TEXT, type=TEXT, type_id=WHOLE, value={"type": "string"})

_ACTIVITIES = {1: "Create", 2: "Update", 3: "Close"}
_ENUMERATIONS = [
    _enumerated("activity_id", "activity_name", _ACTIVITIES),
    _enumerated("status_id", "status", {1: "New", 2: "In Progress", 3: "Suppressed", 4: "Resolved", 5: "Archived", 6: "Deleted"}),
    _enumerated(
        "severity_id", "severity",
        {0: "Unknown", 1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical", 6: "Fatal"},
    ),
    _enumerated("confidence_id", "confidence", {0: "Unknown", 1: "Low", 2: "Medium", 3: "High"}),
    _enumerated("risk_level_id", "risk_level", {0: "Info", 1: "Low", 2: "Medium", 3: "High", 4: "Critical"}),
    *(
        {
            "if": {"properties": {"activity_id": {"const": number}}},
            "then": {
                "properties": {"type_uid": {"const": 200_400 + number}, "type_name": {"const": f"Detection Finding: {caption}"}}
            },
        }
        for number, caption in _ACTIVITIES.items()
    ),
]  # fmt: skip

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_object(
        ["activity_id", "category_uid", "class_uid", "finding_info", "metadata", "severity_id", "time", "type_uid"],
        activity_id=WHOLE, activity_name=TEXT, category_uid={"const": 2}, category_name={"const": "Findings"},
        class_uid={"const": 2004}, class_name={"const": "Detection Finding"}, type_uid=WHOLE, type_name=TEXT,
        time=MILLIS, start_time=MILLIS, end_time=MILLIS, message=TEXT, severity_id=WHOLE, severity=TEXT, status_id=WHOLE,
        status=TEXT, status_detail=TEXT, is_alert={"type": "boolean"}, risk_score=WHOLE, risk_level_id=WHOLE, risk_level=TEXT,
        confidence_score=WHOLE, confidence_id=WHOLE, confidence=TEXT, metadata=METADATA, finding_info=FINDING_INFO,
        evidences=_several(EVIDENCE), resources=_several(RESOURCE), observables=_several(OBSERVABLE), raw_data=TEXT,
        unmapped={"type": "object"},
    ),
    "allOf": _ENUMERATIONS,
}  # fmt: skip
