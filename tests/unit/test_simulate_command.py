"""``assay simulate``: files, packing, summary, bad usage."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from schemas import decode
from schemas.disposition import Label
from streams import sources
from streams.cli import build

_FEW = ("--count", "300", "--firms", "30", "--seed", "3")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build(), ["simulate", *arguments])


def test_writes_declarations_and_one_label_for_each(tmp_path: Path) -> None:
    out, labels = tmp_path / "feed.ndjson", tmp_path / "labels.ndjson"
    told = run("--out", str(out), "--labels", str(labels), *_FEW, "--duplicate-share", "0.2", "--json")
    assert told.exit_code == 0, told.output
    ids = [decode.row(line)["declaration_id"] for line in out.read_bytes().splitlines()]
    answers = [Label.model_validate_json(line) for line in labels.read_bytes().splitlines()]
    assert len(ids) == 300
    assert len(answers) == len({a.declaration_id for a in answers})
    assert {a.declaration_id for a in answers} == set(ids)
    assert sum(row["events"] for row in json.loads(told.stdout)) == 300


def test_packs_to_the_same_bytes_each_time(tmp_path: Path) -> None:
    first, second, plain = tmp_path / "a.ndjson.gz", tmp_path / "b.ndjson.gz", tmp_path / "c.ndjson"
    for target in (first, second, plain):
        assert run("--out", str(target), *_FEW).exit_code == 0
    assert first.read_bytes() == second.read_bytes()
    assert gzip.decompress(first.read_bytes()) == plain.read_bytes()


def test_standard_output_carries_declarations_only() -> None:
    told = run("--out", "-", "--count", "5", "--firms", "20", "--start", "2026-11-22", "--days", "0.5")
    assert told.exit_code == 0
    rows = [decode.row(line.encode()) for line in told.stdout.splitlines()]
    assert len(rows) == 5
    assert {f"{row['lodged_at']:%Y-%m-%d}" for row in rows} == {"2026-11-22"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--start", "yesterday"), "ISO 8601"),
        (("--start", "2026-02-01", "--end", "2026-01-01"), "before it starts"),
        (("--start", "2025-01-01", "--end", "2026-01-01", "--days", "3"), "not all three"),
        (("--scenario", "gallium-in-a-hat"), "no scenario is called gallium-in-a-hat"),
        (("--scenario", "route-surge", "--stateless"), "no scenario is called route-surge"),
        (("--scenario-share", "0.9", "--look-alike-share", "0.9"), "more than 1"),
    ],
)
def test_bad_usage_is_told_and_leaves_no_file(arguments: tuple[str, ...], complaint: str, tmp_path: Path) -> None:
    target = tmp_path / "feed.ndjson"
    told = run("--out", str(target), *_FEW, *arguments)
    assert told.exit_code == 2
    assert complaint.split()[0] in told.output
    assert complaint in " ".join(told.output.replace("│", " ").split())
    assert not target.exists()


def test_a_parquet_file_is_read_back_as_the_lines_would_be(tmp_path: Path) -> None:
    table, plain = tmp_path / "feed.parquet", tmp_path / "feed.ndjson"
    for target in (table, plain):
        assert run("--out", str(target), *_FEW).exit_code == 0
    told = [record.raw for record in sources.records([table], "auto", lambda _: None)]
    assert told == plain.read_bytes().splitlines()


def test_shuffled_and_repeated_feeds_have_the_same_declarations_and_labels(tmp_path: Path) -> None:
    plain, mixed = tmp_path / "plain", tmp_path / "mixed"
    for folder, more in ((plain, ()), (mixed, ("--shuffle", "48", "--repeat", "0.1"))):
        folder.mkdir()
        told = run("--out", str(folder / "feed"), "--labels", str(folder / "labels"), *_FEW, "--days", "30", *more)
        assert told.exit_code == 0, told.output
    assert (plain / "labels").read_bytes() == (mixed / "labels").read_bytes()
    in_order, out_of_order = ((folder / "feed").read_bytes().splitlines() for folder in (plain, mixed))
    assert set(in_order) == set(out_of_order)
    assert len(out_of_order) > len(in_order) == 300
    assert list(dict.fromkeys(out_of_order)) != in_order


def test_days_alone_end_where_feeds_end() -> None:
    told = run("--out", "-", "--count", "40", "--firms", "20", "--days", "10")
    days = {f"{decode.row(line.encode())['lodged_at']:%Y-%m-%d}" for line in told.stdout.splitlines()}
    assert min(days) >= "2026-11-10"
    assert max(days) == "2026-11-19"
