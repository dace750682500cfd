"""SQLite writes down which alerts changed, for the columns in memory (`streams.console.store.columns`)."""

from __future__ import annotations

from alembic import op

revision = "v0002"
down_revision = "v0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and the triggers that fill it; PostgreSQL counts without."""
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute("CREATE TABLE alert_changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER NOT NULL)")
    for act, row in (("INSERT", "new"), ("UPDATE", "new"), ("DELETE", "old")):
        op.execute(
            f"CREATE TRIGGER alert_changes_{act.lower()} AFTER {act} ON alerts "
            f"BEGIN INSERT INTO alert_changes (number) VALUES ({row}.number); END"
        )
