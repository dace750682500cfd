"""Suppressions of the console as the pipeline's file: what it takes, what it silences, what stays behind."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from console_parts import NOW, SUPERVISOR, alert, store_of
from typer.testing import CliRunner

from detectors.suppression import Suppressions
from schemas.finding import Finding
from streams import settings as kept_settings
from streams.cli import build
from streams.console.store import Store, silencing

LATER = NOW + timedelta(days=10)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    told = [
        alert(0),
        alert(1, exporter=(None, "Ohne  Nummer GmbH")),
        alert(2, substances=[], exporter=("CN7", "Seven"), destination="JP"),
    ]
    (tmp_path / "console").mkdir()
    made = store_of(tmp_path / "console", *told)
    given = [
        {"rule": "name-against-code", "lane": "CN>TH"},
        {"party": made.alerts.lines(["alert-1"], SUPERVISOR)[0].parties[0].key},
        {"group_key": "CN100|gallium|TH"},
        {"code": "MISLABEL-NAME", "effect": "mark"},
        {"lane": "CN>"},
        {"party": "nobody"},
        {"group_key": "unknown|gallium|TH"},
    ]
    for scope in given:
        made.suppressions.add(SUPERVISOR, "visited: all\nin order", LATER, **scope)  # type: ignore[arg-type]
    return made


def test_the_pipeline_reads_what_the_console_writes(store: Store, tmp_path: Path) -> None:
    text, kept, left = silencing.as_yaml(store)
    (tmp_path / "draft.yaml").write_text(text, "utf-8")
    held = Suppressions.load(tmp_path / "draft.yaml")
    assert (len(held.entries), kept, left) == (3, 3, 4)
    by_rule, by_party, by_group = held.entries
    assert (by_rule.detectors, by_rule.lanes) == (["name-against-code"], ["CN>TH"])
    assert by_party.parties == ["Ohne  Nummer GmbH"]
    assert (by_group.parties, by_group.substances, by_group.lanes) == (["CN100"], ["gallium"], ["*>TH"])
    assert {(one.since, one.until, one.author) for one in held.entries} == {(NOW.date(), LATER.date(), SUPERVISOR.name)}
    assert by_rule.reason == "visited: all in order"
    for sentence in ("only marks", "one country only", "no alert names", "no exporter"):
        assert sentence in text
    # And each silences the alert that it hid.
    told = alert(1, exporter=(None, "Ohne  Nummer GmbH"), destination="JP")
    finding = Finding.model_validate(told.reasons[0].model_dump(by_alias=True))
    assert held.without([finding], told.declaration, NOW) == ([], [by_party])


def test_the_command_writes_a_new_file(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.close()
    monkeypatch.setenv("ASSAY_STATE_DIR", str(tmp_path))
    kept_settings.settings.cache_clear()
    try:
        app, runner = build(), CliRunner()
        where = tmp_path / "out.yaml"
        words = ["console", "suppressions", "export", "--output", str(where)]
        assert runner.invoke(app, words).exit_code == 0
        before = where.read_text("utf-8")
        assert before.startswith("# Suppressions in force")
        assert runner.invoke(app, words).exit_code == 1  # nothing is overwritten
        assert where.read_text("utf-8") == before
        printed = runner.invoke(app, words[:3])
        assert printed.exit_code == 0
        assert "suppressions:" in printed.stdout
    finally:
        kept_settings.settings.cache_clear()
