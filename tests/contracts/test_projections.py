"""What every format of alerts must keep: one line, ids and statuses that can be read back, nothing that was not in the alert."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

import jsonschema
import pytest
from contract_examples import DECLARATION
from drawn_alerts import ALERTS
from hypothesis import HealthCheck, given, settings
from ocsf_detection_finding import SCHEMA

from detectors import engine
from schemas.alert import Alert
from schemas.decode import row
from schemas.errors import SettingsError
from schemas.export import thehive
from schemas.export.projection import projection, projections

OCSF = jsonschema.Draft202012Validator(SCHEMA)
LINK = "https://assay.example/alerts/1"
DRAWN = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


class Told(NamedTuple):
    """What a receiver can read back of an alert: which one, which revision, and whether it is closed."""

    alert_id: str
    revision: int
    closed: bool


def cef(line: str) -> tuple[list[str], dict[str, str]]:
    """Read a CEF line by the standard: header fields split at bare pipes, extension at ``key=``; escapes undone."""
    fields, at = [], 0
    while len(fields) < 7:
        field = re.compile(r"(?:[^\\|]|\\[\\|])*").match(line, at)
        assert field, line
        fields.append(re.sub(r"\\(.)", r"\1", field.group()))
        at = field.end()
        assert line[at] == "|", f"a bare character at {at} of {line!r}"
        at += 1
    pairs: dict[str, str] = {}
    keys = list(re.finditer(r"(?:^| )([A-Za-z0-9]+)=", line[at:]))
    ends = [key.start() for key in keys[1:]] + [len(line) - at]
    for key, end in zip(keys, ends, strict=True):
        said = line[at:][key.end() : end]
        assert re.fullmatch(r"(?:[^\\=]|\\[\\=nr])*", said), said
        assert key[1] not in pairs
        pairs[key[1]] = re.sub(r"\\(.)", lambda escape: {"n": "\n", "r": "\r"}.get(escape[1], escape[1]), said)
    return fields, pairs


def _json(read: Callable[[Any], tuple[str, int, bool]]) -> Callable[[str], Told]:
    return lambda line: Told(*read(json.loads(line)))


def _of_cef(line: str) -> Told:
    pairs = cef(line)[1]
    return Told(pairs["externalId"], int(pairs["cn2"]), pairs["act"] == "withdrawn")


READ: dict[str, Callable[[str], Told]] = {
    "json": _json(lambda a: (a["alert_id"], a["revision"], a["status"] == "withdrawn")),
    "cloudevents": _json(lambda e: (*_event_id(e["id"]), e["type"] == "assay.alert.withdrawn")),
    "ocsf": _json(lambda o: (o["finding_info"]["uid"], o["unmapped"]["revision"], (o["activity_id"], o["status_id"]) == (3, 4))),
    "ecs": _json(lambda d: (d["_id"], d["assay"]["revision"], d["kibana.alert.workflow_status"] == "closed")),
    "splunk": _json(lambda s: (s["event"]["alert_id"], int(s["fields"]["assay_revision"]), s["event"]["status"] == "withdrawn")),
    "thehive": _json(lambda t: (t["sourceRef"], _tagged(t["tags"], "revision"), t["status"] == "Ignored")),
    "iris": _json(lambda i: (i["alert_source_ref"], i["alert_context"]["revision"], i["alert_status_id"] == 6)),
    "cef": _of_cef,
}  # fmt: skip


def _event_id(said: str) -> tuple[str, int]:
    alert_id, _, revision = said.rpartition("/")
    return alert_id, int(revision)


def _tagged(tags: list[str], name: str) -> int:
    return next(int(tag.partition(":")[2]) for tag in reversed(tags) if tag.startswith(f"{name}:"))


def test_every_projection_is_read_back_here() -> None:
    assert set(READ) == set(projections())
    with pytest.raises(SettingsError, match="cloudevents, ecs"):
        projection("leef")


@DRAWN
@given(alert=ALERTS)
def test_ids_revisions_and_statuses_come_back(alert: Alert) -> None:
    before = alert.model_dump_json()
    for name, known in projections().items():
        line = known.line(alert, LINK)
        assert len(line.splitlines() if name == "cef" else line.split("\n")) == 1, name
        line.encode()
        told = READ[name](line)
        identity = thehive.reference(alert) if name == "thehive" else alert.alert_id
        if name == "cef":  # a line has no place for what would end it, nor for control characters
            ends = re.sub("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]", "\n", identity)
            identity = re.sub(r"[\x00-\x08\x0e-\x1b\x1f\x7f]", " ", ends).strip(" ")
            told = told._replace(alert_id=told.alert_id.strip(" "))
        assert told == (identity, alert.revision, alert.status == "withdrawn"), name
        assert known.line(alert, LINK) == line, f"{name}: the same alert is said in the same words"
    assert alert.model_dump_json() == before


@DRAWN
@given(alert=ALERTS)
def test_ocsf_is_a_detection_finding(alert: Alert) -> None:
    for link in (LINK, None):
        finding = projection("ocsf").project(alert, link)
        errors = [f"{'/'.join(map(str, error.path))}: {error.message}" for error in OCSF.iter_errors(finding)]
        assert errors == []
        assert isinstance(finding, dict)
        assert finding["type_uid"] == finding["class_uid"] * 100 + finding["activity_id"]
        created = alert.status != "withdrawn" and alert.revision == 1
        assert finding["activity_id"] == (3 if alert.status == "withdrawn" else 1 if created else 2)


def test_the_schema_of_ocsf_refuses_what_ocsf_does_not_know() -> None:
    good = json.loads(projection("ocsf").line(_raised(personal=False)))
    assert OCSF.is_valid(good)
    for wrong in (
        {"type_uid": 200402}, {"severity_id": 7}, {"severity": "Low"}, {"status_id": 9}, {"colour": "red"}, {"time": "now"},
        {"finding_info": {"title": "no uid"}}, {"evidences": [{"name": "no data"}]}, {"metadata": {"version": "1.7.0"}},
    ):  # fmt: skip
        assert not OCSF.is_valid(good | wrong), wrong
    assert not OCSF.is_valid({name: value for name, value in good.items() if name != "finding_info"})


CONTACTS = {"address": "12 Secret Lane", "phone": "+86 10 5555 0199", "email": "wang.private@example.org"}


@cache
def _raised(personal: bool) -> Alert:
    """Return the alert that the engine raises of a declaration with contacts and a traveller."""
    party = {"id": None, "name": "Gallium Trading Co., Ltd.", "country": "CN", **CONTACTS}
    wording = {
        "description": "zinc ingots, gallium 99.9999% CAS 7440-55-3",
        "commodity_code": "7901200000",
        "documents": [],
    }
    item = DECLARATION["items"][0] | wording
    declaration = DECLARATION | {
        "items": [item], "exporter": party, "consignee": party | {"country": "US"}, "notify": None, "country_of_export": "CN",
        "country_of_destination": "US", "traveller": {"name": "Wang Xiaoming", "country": "CN", **CONTACTS},
    }  # fmt: skip
    batch = engine.Batch([row(json.dumps(declaration).encode())], ["declarations/0@0"])
    screened = engine.screen(batch, engine.default_reference(), engine.default_models(), personal)
    now = datetime(2026, 11, 20, 9, tzinfo=UTC)
    (alert,) = engine.correlate(screened.verdicts, {}, now).alerts
    return alert


def test_no_contact_and_no_traveller_is_told_that_the_alert_does_not_tell() -> None:
    for name, known in projections().items():
        said = known.line(_raised(personal=False), LINK)
        for secret in (*CONTACTS.values(), "Wang Xiaoming", "5555", "private@"):
            assert secret not in said, name
        assert "Gallium Trading" in said, f"{name}: firms stay"


def test_the_test_above_would_see_a_contact() -> None:
    assert CONTACTS["phone"] in projection("json").line(_raised(personal=True))


def test_cef_keeps_hostile_texts_on_one_line() -> None:
    alert = _raised(personal=False).model_copy(
        update={
            "title": "a|b\\c\nd=e", "summary": "x=1|y\\z\r\nnext \u2028 镓", "substances": ["=|"], "risk_score": 100,
            "severity": "critical",
        }
    )  # fmt: skip
    head, pairs = cef(str(projection("cef").project(alert, LINK)))
    assert head[0] == "CEF:0"
    assert head[5] == "a|b\\c d=e"
    assert head[6] == "10"
    assert pairs["msg"] == "x=1|y\\z\nnext \n 镓"
    assert pairs["cs4"] == "=|"
    assert pairs["request"] == LINK
    lowest = alert.model_copy(update={"severity": "low", "risk_score": 0})
    assert cef(str(projection("cef").project(lowest, None)))[0][6] == "0"
