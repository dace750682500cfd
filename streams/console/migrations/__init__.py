"""Alembic's migrations of the console's tables, applied when the console starts."""
