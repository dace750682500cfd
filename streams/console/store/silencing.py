"""Suppressions of the console as a file for the pipeline (``ASSAY_SUPPRESSIONS``, `detectors.suppression`).

The console's hide alerts from people, here and now; the pipeline's keep findings from becoming alerts anywhere. Nobody is taken
from one to the other without a look: the export is a draft for whoever runs the pipeline. What the pipeline cannot say as
narrowly stays behind, and the file says so.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import yaml
from sqlalchemy import Connection, select

from detectors.suppression import Suppression as Silenced
from streams.console.store.model import Suppression
from streams.console.store.store import Store
from streams.console.store.tables import alerts, tags

_SPELLINGS = 20
_LANE = re.compile(r"[A-Z]{2}>[A-Z]{2}")
_HEAD = """\
# Suppressions in force in the console, for ASSAY_SUPPRESSIONS. Look at each before you take it over: the console hides an alert
# only if all its grounds are of the rule or finding named; the pipeline silences the ground itself, for every reader of alerts.
"""


def as_yaml(store: Store) -> tuple[str, int, int]:
    """Return the file, how many suppressions it holds, and how many stay behind, each as a comment that says why."""
    kept: list[str] = []
    left: list[str] = []
    with store.database.reading() as connection:
        for one in reversed(store.suppressions.whole()):
            try:
                entry = _entry(connection, one)
            except ValueError as reason:
                left.append(f"# left out: suppression {one.suppression_id} of {one.author}: {reason}\n")
                continue
            kept.append(f"  # suppression {one.suppression_id}\n" + _indented([entry]))
    body = "suppressions:\n" + "".join(kept) if kept else "suppressions: []\n"
    return _HEAD + "".join(left) + body, len(kept), len(left)


def _entry(connection: Connection, one: Suppression) -> dict[str, Any]:
    """Return the pipeline's words for one; ValueError with a sentence where it has none as narrow."""
    if one.effect != "hide":
        raise ValueError("it only marks alerts")
    entry: dict[str, Any] = {}
    if one.code:
        entry["codes"] = [one.code]
    if one.rule:
        entry["detectors"] = [one.rule]
    if one.party and one.group_key:
        raise ValueError("a party and a group at once: the pipeline takes any of several parties")
    if one.party:
        entry["parties"] = _spellings(connection, one.party)
    if one.lane:
        if not _LANE.fullmatch(one.lane):
            raise ValueError("its lane names one country only")
        entry["lanes"] = [one.lane]
    if one.group_key:
        who, _, rest = one.group_key.partition("|")
        what, _, destination = rest.rpartition("|")
        if "unknown" in (who, destination) or not what:
            raise ValueError("its group has no exporter or no destination that is known")
        if one.lane and not one.lane.endswith(f">{destination}"):
            raise ValueError("its lane and its group have different destinations")
        entry["parties"] = [who]
        entry.setdefault("lanes", [f"*>{destination}"])
        # A group without substance is named by its leading finding.
        if re.fullmatch(r"[A-Z]+(-[A-Z]+)*", what):
            entry.setdefault("codes", [what])
        else:
            entry["substances"] = [what]
    entry["reason"] = " ".join(one.reason.split())[:512]
    entry["author"] = one.author
    # A day is the pipeline's smallest time: it never holds longer than was decided, but a day at least.
    entry["since"] = one.created_at.date()
    entry["until"] = max(one.expires_at.date(), entry["since"] + timedelta(days=1))
    Silenced.model_validate(entry)
    return entry


def _spellings(connection: Connection, key: str) -> list[str]:
    """Return by what declarations call a party: its id, or its name as it was spelt in alerts."""
    newest = (
        select(alerts.c.parties)
        .join(tags, tags.c.alert == alerts.c.number)
        .where(tags.c.kind == "party", tags.c.value == key)
        .order_by(alerts.c.number.desc())
        .limit(500)
    )
    called: dict[str, None] = {}
    for parties in connection.scalars(newest):
        for _, its_key, identity, name, _ in parties:
            if its_key == key and (identity or name):
                called[str(identity or name)] = None
    if not called:
        raise ValueError("no alert names its party any more")
    return list(called)[:_SPELLINGS]


def _indented(entries: list[dict[str, Any]]) -> str:
    told = yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=120)
    return "".join(f"  {line}\n" for line in told.splitlines())
