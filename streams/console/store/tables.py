"""The tables, for SQLite and PostgreSQL. They are made by the migrations; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """A time as microseconds since 1970: exact, ordered and indexed alike in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return the number for a time."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Return the time for a number."""
        return None if value is None else _EPOCH + int(value) * _MICROSECOND


metadata = MetaData()
_Number = BigInteger().with_variant(Integer, "sqlite")


def _number() -> Column[int]:
    return Column("number", _Number, primary_key=True, autoincrement=True)


#: The newest revision of each alert, with what the queue shows and filters by. The whole alert is in ``revisions``.
alerts = Table(
    "alerts",
    metadata,
    _number(),
    Column("alert_id", String(255), nullable=False, unique=True),
    Column("declaration_id", String(255), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("mrn", String(64)),
    Column("title", Text, nullable=False),
    Column("severity", String(16), nullable=False),
    Column("risk_score", Integer, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("office", String(64)),
    Column("country_of_export", String(2)),
    Column("country_of_destination", String(2)),
    Column("lane", String(8), nullable=False),
    Column("group_key", String(1024)),
    Column("group_alias", String(32)),  # what viewers see in place of the key, which may hold a name
    Column("raised_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("event_time", Moment, nullable=False),
    Column("substances", JSON, nullable=False),
    Column("codes", JSON, nullable=False),
    Column("rules", JSON, nullable=False),  # [[rule, code], ...]
    Column("headings", JSON, nullable=False),
    Column("parties", JSON, nullable=False),  # [[role, key, id, name, country], ...]
    Column("versions", JSON, nullable=False),
    Column("personal", Boolean, nullable=False),
    Column("code_count", Integer, nullable=False),
    Column("rule_count", Integer, nullable=False),
    Column("owner", String(128)),
    Column("verdict", String(32)),
    Column("decided_by", String(255)),
    Column("decided_at", Moment),
    Column("decided_revision", Integer),
    Column("hidden_by", Integer),
    Column("marked_by", Integer),
)
# One index for each order, and one in the queue's usual order for each filter with many values.
Index("alerts_by_risk", alerts.c.risk_score, alerts.c.raised_at, alerts.c.number)
Index("alerts_by_age", alerts.c.raised_at, alerts.c.number)
Index("alerts_by_update", alerts.c.updated_at, alerts.c.number)
Index("alerts_by_severity", alerts.c.severity, alerts.c.risk_score, alerts.c.raised_at, alerts.c.number)
Index("alerts_by_office", alerts.c.office, alerts.c.risk_score, alerts.c.raised_at, alerts.c.number)
Index("alerts_by_lane", alerts.c.lane, alerts.c.risk_score, alerts.c.raised_at, alerts.c.number)
Index("alerts_by_owner", alerts.c.owner, alerts.c.risk_score, alerts.c.raised_at, alerts.c.number)
Index("alerts_by_verdict", alerts.c.verdict, alerts.c.risk_score, alerts.c.raised_at, alerts.c.number)
Index(
    "alerts_by_group",
    alerts.c.group_key,
    alerts.c.risk_score,
    alerts.c.raised_at,
    alerts.c.number,
    alerts.c.hidden_by,
    alerts.c.verdict,
)
Index("alerts_by_group_alias", alerts.c.group_alias)
Index("alerts_by_status", alerts.c.status)

# Few alerts are hidden or marked. An index of all would tempt the planner to begin with the many that are not.
for _column in (alerts.c.hidden_by, alerts.c.marked_by):
    Index(f"alerts_{_column.name}", _column, sqlite_where=_column.is_not(None), postgresql_where=_column.is_not(None))

#: Every revision seen, whole, as compressed JSON.
revisions = Table(
    "revisions",
    metadata,
    Column("alert", _Number, primary_key=True, autoincrement=False),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("status", String(16), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("risk_score", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("codes", JSON, nullable=False),
    Column("document", LargeBinary, nullable=False),
)

#: What an alert may be found by, several of a kind: code, rule, substance, country, party.
tags = Table(
    "tags",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("value", String(600), primary_key=True),
    Column("alert", _Number, primary_key=True, autoincrement=False),
    Index("tags_of_alert", "alert"),
    sqlite_with_rowid=False,
)

#: The words of an alert for search (`streams.console.store.words`); names of parties apart, since viewers may not see them.
words = Table(
    "alert_words",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("words", Text, nullable=False),
    Column("names", Text, nullable=False),
)

parties = Table(
    "parties",
    metadata,
    Column("key", String(600), primary_key=True),
    Column("pseudonym", String(32), nullable=False, index=True),
)

decisions = Table(
    "decisions",
    metadata,
    Column("decision_id", String(36), primary_key=True),
    Column("alert_id", String(255), nullable=False, index=True),
    Column("declaration_id", String(255), nullable=False),
    Column("revision", Integer),
    Column("verdict", String(32), nullable=False),
    Column("confirmed_codes", JSON, nullable=False),
    Column("found", JSON(none_as_null=True)),
    Column("revenue_recovered", JSON(none_as_null=True)),
    Column("analyst", String(255)),
    Column("note", Text),
    Column("decided_at", Moment, nullable=False, index=True),
    Column("here", Boolean, nullable=False),
    Column("sent_at", Moment),
)

#: Decisions on their way to Kafka, in order.
outbox = Table(
    "outbox",
    metadata,
    _number(),
    Column("decision_id", String(36), nullable=False, unique=True),
    Column("key", String(255), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("made_at", Moment, nullable=False),
    sqlite_autoincrement=True,
)

offsets = Table(
    "offsets",
    metadata,
    Column("topic", String(255), primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, nullable=False),
    Column("bad_records", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    _number(),
    Column("at", Moment, nullable=False, index=True),
    Column("person", String(128), nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("act", String(64), nullable=False, index=True),
    Column("subject", String(255), index=True),
    Column("details", JSON, nullable=False),
    Column("session", BigInteger),
    Column("address", String(64)),
    sqlite_autoincrement=True,
)

views = Table(
    "views",
    metadata,
    _number(),
    Column("name", String(128), nullable=False),
    Column("owner", String(128), nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("query", JSON, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index("views_of_owner", "owner", "name", unique=True),
    sqlite_autoincrement=True,
)

suppressions = Table(
    "suppressions",
    metadata,
    _number(),
    Column("rule", String(255)),
    Column("code", String(64)),
    Column("party", String(600)),
    Column("lane", String(8)),
    Column("group_key", String(1024)),
    Column("effect", String(8), nullable=False),
    Column("reason", Text, nullable=False),
    Column("author", String(128), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("ended_by", String(128)),
    sqlite_autoincrement=True,
)

drafts = Table(
    "drafts",
    metadata,
    _number(),
    Column("rule", String(255), nullable=False),
    Column("code", String(64), nullable=False),
    Column("yaml", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("author", String(128), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("state", String(8), nullable=False),
    sqlite_autoincrement=True,
)

#: People. ``subject`` is issuer and subject of those who come by OpenID Connect; they have no ``hash``.
users = Table(
    "users",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("display", String(255), nullable=False),
    Column("role", String(16), nullable=False),
    Column("hash", String(512)),
    Column("subject", String(1024), unique=True),
    Column("active", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("last_login", Moment),
)

sessions = Table(
    "sessions",
    metadata,
    _number(),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("person", String(128), nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("address", String(64)),
    sqlite_autoincrement=True,
)

#: One-time links to log in by.
links = Table(
    "links",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("person", String(128), nullable=False),
    Column("expires_at", Moment, nullable=False),
)

#: Keys of this installation: of pseudonyms, of cookies.
secrets = Table(
    "secrets",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", String(128), nullable=False),
)
