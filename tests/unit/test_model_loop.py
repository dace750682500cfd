"""The loop of a data scientist on a real registry: train, judge, promote or be refused, go back, and read the card."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from detectors import engine
from detectors.models import catalogue
from streams import modelling, replay
from streams import settings as settings_module
from streams.cli import build
from streams.simulate import feed

RUN = CliRunner()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a labelled feed, and a state folder; the settings and the catalogue of this module know both."""
    folder = tmp_path_factory.mktemp("loop")
    with (folder / "feed.ndjson").open("wb") as rows, (folder / "labels.ndjson").open("wb") as labels:
        for row, label in feed(5, 700, scenario_share=0.2):
            rows.write(json.dumps(row, ensure_ascii=False, default=str).encode() + b"\n")
            labels.write(label.model_dump_json().encode() + b"\n")
    return folder


@pytest.fixture(autouse=True)
def tiny(files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The catalogue knows the test's detector, and nothing else."""
    monkeypatch.setattr(catalogue, "DETECTORS", {"tiny": ("tiny_model", "Tiny")})
    monkeypatch.setenv("ASSAY_STATE_DIR", str(files / "state"))
    monkeypatch.delenv("ASSAY_KAFKA", raising=False)
    settings_module.settings.cache_clear()
    yield
    settings_module.settings.cache_clear()


def model(*arguments: str, code: int = 0) -> Result:
    ran = RUN.invoke(build(), ["model", *arguments])
    assert ran.exit_code == code, (ran.output, ran.exception)
    return ran


def test_the_whole_loop(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feed_file, labels = str(files / "feed.ndjson"), str(files / "labels.ndjson")
    both = ("--history", feed_file, "--labels", labels)
    assert not (files / "state" / "models").exists()
    assert json.loads(model("list", "--json").stdout) == [
        {
            "name": "tiny",
            "versions": 0,
            "champion": None,
            "challenger": None,
            "average_precision": None,
            "promoted": None,
        }
    ]
    assert not (files / "state" / "models").exists(), "looking makes nothing"

    (first,) = json.loads(model("train", "tiny", *both, "--note", "the first", "--json").stdout)
    assert (first["version"], first["aliases"], first["compared"]) == ("1", ["challenger"], None)
    assert first["average_precision"] > 0.3
    promoted = model("promote", "tiny", "--why", "better than nothing", "--by", "ada")
    assert "no Kafka here" in promoted.stderr

    card = json.loads(model("card", "tiny", "--html", str(files / "card.html"), "--json").stdout)
    window = card["window"]
    lodged = {json.loads(line)["declaration_id"] for line in Path(feed_file).read_text("utf-8").splitlines()}
    assert window["trained_on"] + window["judged_on"] == len(lodged)
    assert window["since"] < window["cut"] < window["until"]
    assert set(card["importance"]) == {"net_mass_kg", "value_usd", "named_watched"}
    assert max(card["importance"].values()) > 0.05
    assert [budget["share"] for budget in card["measures"]["budgets"]] == [0.01, 0.02, 0.05, 0.1]
    assert len(card["failures"]["misses"]) == 10
    page = (files / "card.html").read_text("utf-8")
    assert page.count("<svg") == 4
    assert "<script" not in page
    assert "Before you believe the figures" in page

    # A worse one: trained on the first months, with labels that say the opposite.
    wrong = files / "turned.ndjson"
    with wrong.open("w") as turned:
        for line in Path(labels).read_text().splitlines():
            label = json.loads(line)
            turned.write(json.dumps(label | {"typologies": [] if label["typologies"] else ["T01"]}) + "\n")
    (second,) = json.loads(
        model("train", "tiny", "--history", feed_file, "--labels", str(wrong), "--no-importance", "--json").stdout
    )
    assert second["version"] == "2"
    evaluated = json.loads(model("evaluate", "tiny", *both, "--json").stdout)
    assert evaluated["version"] == "2"
    assert evaluated["compared"]["with"] == "1"
    assert evaluated["compared"]["interval"][1] < 0
    refused = RUN.invoke(build(), ["model", "promote", "tiny", "--why", "new is better"])
    assert refused.exit_code == 1
    assert "worse than the champion, version 1" in str(refused.exception)
    assert "--force" in str(refused.exception)
    model("promote", "tiny", "--why", "I insist", "--force", "--by", "bob")
    (kept,) = json.loads(model("list", "--json").stdout)
    assert (kept["champion"], kept["challenger"]) == ("2", None)
    model("rollback", "tiny", "--why", "bob was wrong", "--by", "ada")
    told = model("show", "tiny").stdout
    assert "promote 1 by ada: better than nothing" in told
    assert "promote 2 by bob: I insist (forced: it is worse" in told
    assert "rollback 1 by ada: bob was wrong" in told
    assert RUN.invoke(build(), ["model", "rollback", "tiny", "--why", "again"]).exit_code == 1

    # What is champion judges in a replay, and is named by its alerts.
    chosen = settings_module.settings()
    judged = replay.run([Path(feed_file)], jobs=1, models=modelling.sources(["champion"], chosen))
    (version,) = {alert.provenance.models["tiny"] for alert in judged.alerts}
    assert version.startswith("1+")
    assert judged.findings["OUTCOME"] > 10
    again = replay.run([Path(feed_file)], jobs=1, batch=37, models=modelling.champions(chosen))
    assert again.findings["OUTCOME"] == judged.findings["OUTCOME"], "whatever the size of the batches"

    model("retire", "tiny", "--why", "done")
    assert modelling.champions(chosen) == ()
    assert RUN.invoke(build(), ["model", "retire", "tiny", "--why", "done"]).exit_code == 1


def test_what_cannot_be_learned_is_said(files: Path) -> None:
    for arguments, said in (
        (["train", "tiny", "--history", str(files / "feed.ndjson")], "needs honest and wrong declarations"),
        (["train", "no-such", "--history", str(files / "feed.ndjson")], "no learned detector is called 'no-such'"),
        (["train", "tiny", "--history", str(files / "feed.ndjson"), "--cut", "2031-01-01"], "both sides need some"),
        (["train", "tiny", "--history", str(files / "labels.ndjson")], "no declaration in"),
        (["promote", "tiny", "--version", "77", "--why", "x"], "has no version 77"),
        (["card", "nothing"], "nothing has no version champion; there are: none"),
    ):
        ran = RUN.invoke(build(), ["model", *arguments])
        assert ran.exit_code == 1
        assert said in str(ran.exception), ran.exception
    assert RUN.invoke(build(), ["model", "promote", "tiny", "--why", " "]).exit_code == 2


def test_all_trains_what_it_can_and_says_what_the_others_need(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without labels: one that needs none, one that learns from labels alone, and one that finds too little to learn from."""
    both = {
        "mislabel-value": ("detectors.models.value", "MislabelValue"),
        "outcome": ("detectors.models.outcome", "OutcomeDetector"),
    }
    monkeypatch.setattr(catalogue, "DETECTORS", both)
    monkeypatch.setenv("ASSAY_STATE_DIR", str(files / "unlabelled"))
    settings_module.settings.cache_clear()
    history = ("--history", str(files / "feed.ndjson"), "--no-importance", "--json")
    done = model("train", "all", *history)
    first, second = json.loads(done.stdout)
    assert (first["name"], first["version"], first["problem"]) == ("mislabel-value", "1", None)
    assert (second["name"], second["version"]) == ("outcome", None)
    assert "give --labels" in second["problem"]
    assert "outcome was not trained" in done.stderr
    alone = RUN.invoke(build(), ["model", "train", "outcome", *history])
    assert alone.exit_code == 1
    assert str(alone.exception) == second["problem"], "at once, before the history is read"
    monkeypatch.setattr(catalogue, "DETECTORS", both | {"tiny": ("tiny_model", "Tiny")})
    first, second, third = json.loads(model("train", "all", *history, code=1).stdout)
    assert (first["version"], second["version"], third["version"]) == ("2", None, None)
    assert "needs honest and wrong declarations" in third["problem"]


def test_a_pointer_names_bytes_that_a_worker_can_check(files: Path) -> None:
    from streams import _model_topics

    kept = modelling.opened(settings_module.settings())
    (one, *_) = kept.versions("tiny")
    kept.set_alias("tiny", "champion", one.number)
    told = _model_topics.pointer(kept, "tiny", datetime(2026, 11, 22, tzinfo=UTC), "ada", "why not")
    assert told.champion is not None
    assert told.champion.sha256 == one.sha256
    path = kept.fetch("tiny", one.number)
    assert told.champion.uri == path.as_uri()
    from detectors.models import artefact

    assert artefact.read(path, engine.default_reference(), "tiny", told.champion.sha256).manifest.version == one.number
