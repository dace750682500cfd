"""Draft exclusions for rules that need tuning: what the refuted alerts of a rule share and the confirmed ones do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import insert, select, update

from streams.console.access.person import Person
from streams.console.store.database import Database
from streams.console.store.model import Draft
from streams.console.store.reads import Audit
from streams.console.store.tables import alerts, drafts, tags

#: A trait goes into the draft if it stands in at least so many refuted alerts and this share of them, in no confirmed one, and in
#: no more than half of all alerts of the rule: what nearly all have tells nothing.
_AT_LEAST = 3
_SHARE = 0.3
_COMMON = 0.5
_MOST = 3
#: Alerts looked at, decided ones first, newest first.
_LOOKED_AT = 5_000


class Drafts:
    """Draft exclusions for rules that need tuning. Nothing applies by itself: an author of rules takes one over, or not."""

    def __init__(self, database: Database, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def all(self) -> tuple[Draft, ...]:
        """Return all drafts, open ones first, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(drafts).order_by(drafts.c.number.desc())).fetchall()
        return tuple(_draft(row) for row in sorted(rows, key=lambda row: row.state != "open"))

    def open(self, person: Person, rule: str) -> Draft:
        """Open a draft for a rule from its refuted alerts: what they share, as YAML. KeyError: no such rule."""
        with self._database.writing() as connection:
            every = connection.execute(
                select(alerts)
                .where(alerts.c.number.in_(select(tags.c.alert).where(tags.c.kind == "rule", tags.c.value == rule)))
                .order_by(alerts.c.verdict.is_(None), alerts.c.number.desc())
                .limit(_LOOKED_AT)
            ).fetchall()
            if not every:
                raise KeyError(f"no alert names a rule {rule}")
            code = next(str(code) for named, code in every[0].rules if named == rule)
            refuted = [row for row in every if row.verdict in ("false_positive", "benign")]
            confirmed = [row for row in every if row.verdict == "true_positive"]
            reason = f"{len(refuted)} alerts refuted, {len(confirmed)} confirmed"
            row = {
                "rule": rule,
                "code": code,
                "yaml": _yaml(rule, code, refuted, confirmed, every),
                "reason": reason,
                "author": person.name,
                "created_at": self._clock(),
                "state": "open",
            }
            made = connection.execute(insert(drafts).values(row).returning(drafts)).one()
            self._audit.write(connection, person, "draft.opened", str(made.number), rule=rule, reason=reason)
        return _draft(made)

    def close(self, person: Person, draft_id: int, state: Literal["taken", "dropped"]) -> bool:
        """Say what became of a draft; False: there is none that is open."""
        if state not in ("taken", "dropped"):
            raise ValueError("state: taken or dropped")
        with self._database.writing() as connection:
            done = connection.execute(
                update(drafts).where(drafts.c.number == draft_id, drafts.c.state == "open").values(state=state)
            ).rowcount
            if done:
                self._audit.write(connection, person, "draft.closed", str(draft_id), state=state)
        return bool(done)


def _yaml(rule: str, code: str, refuted: list[Any], confirmed: list[Any], every: Sequence[Any]) -> str:
    """Return the draft: conditions in the words of rule packs (`detectors.columns`), and how many alerts each would spare."""
    import yaml

    against = Counter(trait for row in confirmed for trait in _traits(row))
    common = Counter(trait for row in every for trait in _traits(row))
    shared = Counter(trait for row in refuted for trait in _traits(row))
    enough, too_many = max(_AT_LEAST, _SHARE * len(refuted)), _COMMON * len(every)
    telling = ((trait, count) for trait, count in shared.most_common() if count >= enough and not against[trait])
    chosen = [(trait, count) for trait, count in telling if common[trait] <= too_many][:_MOST]
    lines = [
        f"# Draft exclusion for the rule {rule}, from {len(refuted)} refuted and {len(confirmed)} confirmed alerts.",
        "# Check each line, add what you accept to the rule's condition, then: assay rules lint, assay rules backtest.",
    ]
    if not chosen:
        lines.append(
            "# The refuted alerts share no trait that the confirmed ones do not have: the condition itself wants a look."
        )
    for (_, condition), count in chosen:
        lines.append(f"# spares {count} of {len(refuted)} refuted alerts, and no confirmed one: {condition}")
    spared = " OR ".join(condition for (_, condition), _ in chosen)
    entry: dict[str, Any] = {"rule": rule, "code": code, "add_to_when": f"AND NOT ({spared})" if spared else None}
    return "\n".join(lines) + "\n" + yaml.safe_dump(entry, sort_keys=False, allow_unicode=True, width=120)


def _traits(row: Any) -> set[tuple[str, str]]:
    return set(_each_trait(row))


def _each_trait(row: Any) -> Iterable[tuple[str, str]]:
    """Yield what an alert's declaration has, each as a condition; names of parties are not among them."""
    for column in ("country_of_destination", "country_of_export", "office"):
        if row._mapping[column]:
            yield column, f"{column} = {_quoted(row._mapping[column])}"
    for heading in row.headings:
        yield "heading", f"commodity_code LIKE {_quoted(heading + '%')}"
    for role, _, _, _, country in row.parties:
        if role in ("exporter", "consignee", "declarant") and country:
            yield role, f"{role}_country = {_quoted(country)}"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _draft(row: Any) -> Draft:
    return Draft(row.number, row.rule, row.code, row.yaml, row.reason, row.author, row.created_at, row.state)
