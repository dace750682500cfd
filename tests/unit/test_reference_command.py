"""``assay reference show`` as people and machines see it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from streams import output
from streams.cli import build

WIDE = {"COLUMNS": "240"}


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the console its width: it may be older than this test, and looks at COLUMNS only once."""
    monkeypatch.setattr(output.console, "_width", 240)


def _run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(build(), ["reference", "show", *arguments], env=WIDE)
    return result.exit_code, result.output


def test_the_ban_is_shown_on_its_days_only() -> None:
    def bans(day: str) -> set[str]:
        code, text = _run("--on", day, "--substance", "gallium", "--json")
        assert code == 0
        rows = json.loads(text)["rows"]
        return {row["row_id"] for row in rows if row["measure"] == "prohibition_no_licence" and row["can_prohibit"]}

    assert bans("2024-12-02") == set()
    assert bans("2025-11-08") == {"C0178"}
    assert bans("2026-11-27") == set()
    assert bans("2026-11-28") == {"C0178"}


def test_people_see_codes_and_what_is_suspended() -> None:
    code, text = _run("--on", "2026-11-22", "--substance", "Ga")
    assert code == 0
    assert "8112929010" in text
    assert "suspended until 2026-11-27" in text
    assert "ammonium paratungstate" not in text


def test_every_table_can_be_shown() -> None:
    for table in ("controls", "suspensions", "lexicon", "prices", "headings", "countries"):
        code, text = _run("--on", "2025-06-01", "--table", table, "--json")
        assert code == 0
        assert table == "suspensions" or json.loads(text)["rows"], table
        code, text = _run("--on", "2026-01-01", "--table", table)
        assert code == 0
        assert f"{table} on 2026-01-01" in text


def test_nothing_found_is_said() -> None:
    code, text = _run("--on", "2025-06-01", "--table", "prices", "--substance", "unobtainium")
    assert code == 0
    assert "Nothing in prices about unobtainium on 2025-06-01." in text


def test_bad_usage_exits_2_and_says_what_to_write() -> None:
    code, text = _run("--on", "2024-13-03")
    assert code == 2
    assert "YYYY-MM-DD" in text
    code, text = _run("--table", "tariffs")
    assert code == 2
    assert "controls, suspensions" in text
