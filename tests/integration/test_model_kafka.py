"""A model trained and promoted on the command line is loaded by a running worker, without a lost or doubled alert."""

from __future__ import annotations

import hashlib
import json
import pickle
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from worker_process import Worker, contents, declaration, encoded, feed, read, until

from schemas.model import ModelPointer, ModelRef
from streams import clients, topics
from streams import settings as settings_module
from streams.cli import build
from streams.settings import Settings
from streams.simulate import feed as simulated

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
NAME = "mislabel-value"


def assay(*arguments: str) -> str:
    """Run a command in this process: each process of its own would load MLflow anew."""
    ran = CliRunner().invoke(build(), [*arguments])
    assert ran.exit_code == 0, (ran.output, ran.exception)
    return ran.stdout


@pytest.fixture(autouse=True)
def environment(cluster_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The commands of this process use the test's cluster and state."""
    for name, value in cluster_environment.items():
        monkeypatch.setenv(name, value)
    settings_module.settings.cache_clear()
    yield
    settings_module.settings.cache_clear()


class Feeding(threading.Thread):
    """Lodges an export of gallium after the other until it is stopped; ``lodged`` counts them."""

    def __init__(self, chosen: Settings) -> None:
        super().__init__(daemon=True)
        self._chosen = chosen
        self._enough = threading.Event()
        self.lodged = 0

    def run(self) -> None:
        producer, topic = clients.producer(self._chosen), topics.named(self._chosen)["declarations"]
        while not self._enough.wait(0.1):
            key, value = encoded(declaration(f"d{self.lodged}", gallium=True))
            producer.send(topic, value, key=key).get(60)
            self.lodged += 1
        producer.close()

    def stop(self) -> int:
        self._enough.set()
        self.join(60)
        return self.lodged


def named(chosen: Settings) -> dict[str, int]:
    """Return the versions of the model that alerts name ("": none), with the time (ms) of the first alert of each."""
    found: dict[str, int] = {}
    for record in read(chosen, "alerts"):
        version = json.loads(record.value)["provenance"]["models"].get(NAME, "")
        found[version] = min(found.get(version, record.timestamp), record.timestamp)
    return found


def unsound(path: Path, folder: Path) -> dict[str, Path]:
    """Return a corrupt, a hostile and an incompatible file made of a good one."""
    with zipfile.ZipFile(path) as packed:
        found = {name: packed.read(name) for name in packed.namelist()}
    made = {kind: folder / f"{kind}.zip" for kind in ("corrupt", "hostile", "incompatible")}
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    made["corrupt"].write_bytes(whole)
    made["hostile"].write_bytes(pickle.dumps({"detector": print}))
    manifest = json.loads(found["manifest.json"])
    with zipfile.ZipFile(made["incompatible"], "w") as packed:
        for name, content in (found | {"manifest.json": json.dumps(manifest | {"interface": 99}).encode()}).items():
            packed.writestr(name, content)
    return made


def test_a_promoted_model_judges_within_seconds_and_an_unsound_one_never(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / "feed.ndjson").open("wb") as rows:
        for row, _ in simulated(3, 700):
            rows.write(json.dumps(row, ensure_ascii=False, default=str).encode() + b"\n")
    assay("model", "train", NAME, "--history", str(tmp_path / "feed.ndjson"), "--no-importance")

    with Worker(cluster, cluster_environment, tmp_path) as worker:
        (taken,) = until(lambda: worker.events("models in use"), what="the challenger")
        assert (taken["champion"], [v.partition("+")[0] for v in taken["challengers"]]) == (None, ["1"])
        feeding = Feeding(cluster)
        feeding.start()
        until(lambda: contents(cluster, "alerts"), what="the first alert")
        assert set(named(cluster)) == {""}, "a challenger is never named"

        assay("model", "promote", NAME, "--why", "the first", "--by", "ada")
        until(lambda: set(named(cluster)) - {""}, 120, "an alert of the champion")
        (version,) = set(named(cluster)) - {""}
        seconds = (named(cluster)[version] - read(cluster, "models")[-1].timestamp) / 1000
        assert version.startswith("1+")
        pointer = contents(cluster, "models")[-1]
        assert version.endswith(pointer["champion"]["sha256"][:8])
        assert (pointer["by"], pointer["why"]) == ("ada", "the first")

        path = Path(pointer["champion"]["uri"].removeprefix("file://"))
        for kind, file in unsound(path, tmp_path).items():
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            told = ModelPointer(
                name=NAME, champion=ModelRef(version=kind, uri=file.as_uri(), sha256=digest), at=datetime.now(UTC)
            )
            feed(cluster, [(NAME.encode(), told.model_dump_json(by_alias=True).encode())], "models")
        until(lambda: len(worker.events("refused, what was in use stays")) == 3, what="the refusals")
        refused = worker.events("refused, what was in use stays")
        for problem, said in zip(refused, ("damaged", "pickle can run any code", "interface 99"), strict=True):
            assert said in problem["problems"][0]
        assert worker.metric("assay_refused_updates_total", kind="model") == 3
        until(lambda: contents(cluster, "notices"), what="the notice")
        assert {notice["code"] for notice in contents(cluster, "notices")} == {"MODEL-REFUSED"}

        count = feeding.stop() + feed(cluster, [encoded(declaration(f"after{n}", gallium=True)) for n in range(10)])
        worker.settled(count)
        assert worker.stop() == 0

    alerts = contents(cluster, "alerts")
    told_once = Counter(alert["declaration_id"] for alert in alerts)
    assert len(told_once) == count, "no alert is lost"
    assert set(told_once.values()) == {1}, "none is doubled"
    assert {alert["revision"] for alert in alerts} == {1}
    late = [a["provenance"]["models"] for a in alerts if a["declaration_id"].startswith("test:after")]
    assert late == [{NAME: version}] * 10, "the champion stays when an unsound one is refused"
    with capsys.disabled():
        print(
            f"\n[models] promotion record to first alert of the new champion: {seconds:.2f} s; {count} alerts, each once"
        )

    shadowed = {s["declaration_id"] for block in contents(cluster, "models.shadow") for s in block["scores"]}
    assert "test:d0" in shadowed, "scored in shadow while it was challenger"
    _labels_come_back(cluster, tmp_path, alerts[:4])


def _labels_come_back(cluster: Settings, tmp_path: Path, alerts: list[dict[str, Any]]) -> None:
    """Dispositions become a data set, joined to the declarations as they were when lodged."""
    decided = [
        {
            "alert_id": alert["alert_id"],
            "declaration_id": alert["declaration_id"],
            "verdict": "true_positive" if number else "benign",
            "decided_at": "2026-11-21T10:00:00Z",
        }
        for number, alert in enumerate(alerts)
    ]
    feed(cluster, [(one["declaration_id"].encode(), json.dumps(one).encode()) for one in decided], "dispositions")
    out = tmp_path / "labelled.parquet"
    told = json.loads(assay("model", "dataset", "--since", "2026-11-01", "--out", str(out), "--json"))
    assert (told["declarations"], told["wrong"], told["answers_without_declaration"]) == (4, 3, 0)
    shadow = json.loads(assay("model", "shadow", NAME, "--json"))
    assert shadow["challenger"].startswith("1+")
    assert shadow["champion"] is None
