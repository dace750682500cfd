"""The wiring guide is true: its messages end in the alerts that it shows, its commands print what it says, its names exist."""

from __future__ import annotations

import json
import os
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas import feeds
from schemas.errors import FeedError
from schemas.feeds.edifact import acknowledge
from streams import output, replay, topics
from streams.cli import build
from streams.gateway.metrics import Metrics as GatewayMetrics
from streams.settings import Settings, load
from streams.worker.metrics import Metrics as WorkerMetrics

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "wiring.md").read_text("utf-8")
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SHARED = Path(os.environ.get("ASSAY_SHARED") or ROOT.parent / "shared")
BLOCKS = re.findall(r"^```\w*\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)


def printed(command: str) -> dict[str, list[str]]:
    """Return what the guide says that commands of this kind print, by the command."""
    found: dict[str, list[str]] = {}
    for block in BLOCKS:
        for shown in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            said, *lines = shown.rstrip().split("\n")
            if said.startswith(command):
                found[said] = [line for line in lines if line]
    return found


REPLAYS = printed("assay replay ")
DRY_RUNS = {said: lines for said, lines in printed("assay ingest ").items() if "--dry-run" in said}


def shown(result: replay.ReplayResult) -> list[str]:
    """Return alerts as the guide's function ``show`` prints them."""
    return [
        f"{a.severity} {a.risk_score} {a.declaration_id} version {a.declaration_version} MRN {a.mrn or '-'}, "
        f"{a.declaration['event']}: {a.title}"
        for a in result.alerts
    ]


def test_every_folder_of_examples_is_in_the_guide() -> None:
    folders = {path.name for path in (ROOT / "docs" / "examples").iterdir()}
    assert folders == {re.split(r"[/ ]", said.split("docs/examples/")[1])[0] for said in (*REPLAYS, *DRY_RUNS)}


@pytest.mark.parametrize("said", REPLAYS)
def test_messages_end_in_the_alerts_of_the_guide(said: str) -> None:
    result = replay.run([ROOT / said.split()[2]], now=NOW, jobs=1)
    assert result.dead_letters == 0
    assert shown(result) == REPLAYS[said]


def test_the_order_of_the_files_does_not_matter(tmp_path: Path) -> None:
    said = next(each for each in REPLAYS if "examples/cds" in each)
    files = sorted((ROOT / said.split()[2]).glob("*.xml"), reverse=True)
    for number, file in enumerate(files):
        (tmp_path / f"{number}.xml").write_bytes(file.read_bytes())
    assert shown(replay.run([tmp_path], now=NOW, jobs=1)) == REPLAYS[said]


def test_the_amendment_alone_makes_the_alert(tmp_path: Path) -> None:
    for name in ("1-lodged.xml", "2-accepted.xml", "3-arrived.xml"):
        (tmp_path / name).write_bytes((ROOT / "docs" / "examples" / "cds" / name).read_bytes())
    assert shown(replay.run([tmp_path], now=NOW, jobs=1)) == []


@pytest.mark.parametrize("said", DRY_RUNS)
def test_dry_runs_print_what_the_guide_says(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(output.console, "_width", 180)
    ran = CliRunner().invoke(build(), shlex.split(said)[1:])
    out = [re.sub(r"\s+", " ", line).strip() for line in ran.output.splitlines()]
    for line in DRY_RUNS[said]:
        assert re.sub(r"\s+", " ", line).strip() in out
    assert ran.exit_code == ("Would be refused" in ran.output)


def test_the_mapped_feed_is_that_of_its_manual() -> None:
    manual = (ROOT / "docs" / "mapping.md").read_text("utf-8")
    for name in ("weekly.csv", "weekly.yaml"):
        assert f"\n{(ROOT / 'docs' / 'examples' / 'mapped' / name).read_text('utf-8')}```" in manual


def test_the_answer_to_the_interchange_is_the_one_shown() -> None:
    (answer,) = (lines for said, lines in printed("cat answers/").items() if said.endswith(".contrl"))
    raw = (ROOT / "docs" / "examples" / "edifact" / "cusdec.edi").read_bytes()
    made = acknowledge(raw, None, "CONTRL", datetime(2026, 11, 22, 21, 42, tzinfo=UTC), "AE7796A627843D")
    assert made.decode() == answer[0]


def test_every_format_has_its_row_and_system() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| `(\w+)` \|$", GUIDE, re.MULTILINE))
    assert rows == {name: codec.system for name, codec in feeds.codecs().items() if name != "ndjson"}


def test_every_metric_of_the_guide_exists() -> None:
    exposed = (WorkerMetrics().text() + GatewayMetrics().text()).decode()
    named = set(re.findall(r"`(assay_[a-z_]+)", GUIDE))
    assert named
    for name in named:
        assert re.search(rf"^# TYPE {name.removesuffix('_total')}(_total)? ", exposed, re.MULTILINE), name


def test_every_setting_of_the_guide_exists() -> None:
    named = {name.lower() for name in re.findall(r"ASSAY_([A-Z_]+)", GUIDE)}
    assert named <= set(Settings.model_fields)


def test_the_access_lists_name_every_topic_that_a_worker_asks_for() -> None:
    lists = re.findall(r"^acl (--allow-principal User:assay-worker .*)$", GUIDE, re.MULTILINE)
    granted = {name for line in lists if "DescribeConfigs" in line for name in re.findall(r"--topic (\S+)", line)}
    declared = {topic.name for topic in topics.declared(load(_env_file=None))}
    assert {"raw." if name.startswith("raw.") else name for name in declared} == granted


def test_the_numbers_of_the_guide_are_those_of_the_topics() -> None:
    chosen = load(_env_file=None)
    kept = {topic.name: (topic.cleanup, topic.retention_ms // 86_400_000) for topic in topics.declared(chosen)}
    (row,) = re.findall(r"^\| retention \| (.*?) \|$", GUIDE, re.MULTILINE)
    assert f"raw {kept['raw.cds'][1]} days" in row
    assert f"`declarations` and `findings` {kept['declarations'][1]}, `signals` {kept['signals'][1]}" in row
    assert f"dead letters {kept['declarations.dlq'][1]}" in row
    assert kept["findings"] == kept["declarations"]
    assert {kept[name][0] for name in ("alerts", "cases", "intake")} == {"compact"}
    assert f"`ASSAY_PARTITIONS` ({chosen.partitions})" in GUIDE
    assert f"{chosen.intake_wait_seconds / 60:.0f} minutes (`ASSAY_INTAKE_WAIT_SECONDS`" in GUIDE
    assert f"{chosen.intake_days:.0f} days after its last message" in GUIDE


@pytest.mark.skipif(
    not (SHARED / "samples").is_dir(), reason="no public samples here; set ASSAY_SHARED to their folder"
)
def test_the_counts_of_the_readme_are_those_of_the_samples() -> None:
    ran = CliRunner().invoke(build(), ["ingest", str(SHARED / "samples"), "--dry-run", "--json", "--limit", "1000"])
    told = json.loads(ran.stdout)
    tables = sum(row["origin"].endswith(".csv") for row in told["would_refuse"])
    found = {row["format"]: (row["accepted"], row["refused"]) for row in told["formats"] if row["format"] != "unknown"}
    readme = (ROOT / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| (\d+) of (\d+)[^|]*\| (\d*)", readme, re.MULTILINE)
    assert {name: (int(accepted), int(refused or 0)) for name, accepted, _, refused in rows} == found
    assert all(accepted == well_formed for _, accepted, well_formed, _ in rows)
    assert f"{told['accepted']} of {told['records'] - tables} messages" in readme


def test_the_codec_of_the_recipe_decodes() -> None:
    (code,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    module: dict[str, Any] = {"__name__": "recipe"}
    exec(compile(code, "CONTRIBUTING.md", "exec"), module)
    codec = module["CODEC"]
    assert isinstance(codec, feeds.Codec)
    parcel = (
        b"<Parcel><Number>R-1</Number><Sender><Id>CN1</Id></Sender><Posted>2026-11-20T08:00:00Z</Posted><To>TH</To>"
        b"<Goods><Code>79012000</Code><Words>Zinc</Words><Kilograms>2</Kilograms></Goods></Parcel>"
    )
    accepted = b"<ParcelAccepted><Number>R-1</Number><Sender><Id>CN1</Id></Sender><Mrn>26 cn 1</Mrn></ParcelAccepted>"
    assert codec.sniff(parcel)
    assert codec.sniff(accepted)
    (lodged,) = codec.decode(parcel, feeds.UNKNOWN)
    assert lodged.declaration is not None
    assert (lodged.version, lodged.named.declaration_id, lodged.declaration.items[0].net_mass_kg) == (
        1,
        "post:CN1:R-1",
        2,
    )
    (notice,) = codec.decode(accepted, feeds.UNKNOWN)
    assert (notice.event, notice.named.declaration_id, notice.named.mrn) == ("accepted", "post:CN1:R-1", "26CN1")
    for raw, path in (
        (parcel.replace(b"79012000", b"zinc"), "/Parcel/Goods/Code"),
        (parcel.replace(b">2<", b">two<"), "/Parcel/Goods/Kilograms"),
        (parcel.replace(b"CN1", b""), "/Parcel"),
        (b"<Parcel/>", "/Parcel"),
    ):
        with pytest.raises(FeedError) as caught:
            codec.decode(raw, feeds.UNKNOWN)
        assert caught.value.path == path
