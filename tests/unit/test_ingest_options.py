"""``assay ingest`` with a mapping, schema files, acknowledgements, and what its dry run tells."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas.errors import FeedError
from streams import cli
from streams.admission import Door, answer_edifact
from streams.settings import Settings
from streams.sources import Record

XML = b"""<MetaData><Declaration><FunctionCode>9</FunctionCode><FunctionalReferenceID>%s</FunctionalReferenceID>
<TypeCode>EXA</TypeCode><Declarant><ID>GB1</ID></Declarant><GoodsShipment><GovernmentAgencyGoodsItem>
<Commodity><Classification><ID>79012000</ID></Classification></Commodity>
</GovernmentAgencyGoodsItem></GoodsShipment></Declaration></MetaData>"""
CSV = """reference,lodged,declarant,hs_code,description,net_kg
A-1,2026-11-20 08:14,CN123,79012000,zinc alloy ingots,1000.5
A-2,2026-11-20 08:15,CN123,79012000,zinc alloy ingots,heavy
A-3,2026-11-20 08:16,CN124,81129290,gallium,10
"""
MAPPING = """name: post
system: post-office
format: csv
encoding: utf-8
zone: UTC
fields:
  local_reference: reference
  declarant.id: declarant
  lodged_at: lodged
  regime: {constant: postal}
  items[].commodity_code: hs_code
  items[].description: description
  items[].net_mass_kg: net_kg
"""
XSD = b"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="Declaration"><xs:complexType><xs:sequence>
<xs:element name="FunctionCode" type="xs:int"/><xs:element name="FunctionalReferenceID"><xs:simpleType>
<xs:restriction base="xs:string"><xs:maxLength value="4"/></xs:restriction></xs:simpleType></xs:element>
<xs:any processContents="skip" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element></xs:schema>"""
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def ingest(*arguments: str | Path) -> Any:
    return CliRunner().invoke(cli.build(), ["ingest", *map(str, arguments)])


def dry_run(*arguments: str | Path) -> tuple[int, Any]:
    ran = ingest(*arguments, "--dry-run", "--json")
    assert ran.exit_code in (0, 1), ran.output
    return ran.exit_code, json.loads(ran.stdout)


def test_a_mapping_reads_a_table_and_a_wrong_row_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text(CSV)
    (tmp_path / "post.yaml").write_text(MAPPING)
    code, said = dry_run(tmp_path / "day.csv", "--mapping", tmp_path / "post.yaml")
    assert code == 1
    assert [row["declaration_id"] for row in said["would_accept"]] == ["post-office:CN123:A-1", "post-office:CN124:A-3"]
    assert (said["accepted"], said["declarations"], said["wrong_parts"]) == (1, 2, 1)
    (refused,) = said["would_refuse"]
    assert "heavy" in refused["reason"]


def test_a_mapped_record_carries_its_mapping(tmp_path: Path) -> None:
    from schemas.mapping import Mapping
    from streams import sources

    (tmp_path / "day.csv").write_text(CSV)
    (tmp_path / "post.yaml").write_text(MAPPING)
    (record,) = sources.records([tmp_path / "day.csv"], mapping=Mapping.load(tmp_path / "post.yaml"))
    admitted = Door(Settings()).admit(record, NOW)
    headers = dict(admitted.headers)
    assert (admitted.topic, headers["format"]) == ("raw.post-office", b"post")
    again = Record(admitted.value, "again", "post", NOW, mapping=headers["mapping"])
    assert [m.named for m in Door(Settings()).admit(again, NOW).messages] == [m.named for m in admitted.messages]


def test_a_proposed_mapping_reads_the_sample(tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text(CSV.replace("heavy", "12"))
    printed = ingest("--init-mapping", tmp_path / "day.csv")
    assert printed.exit_code == 0
    assert ingest("--init-mapping", tmp_path / "day.csv", "--output", tmp_path / "m.yaml").exit_code == 0
    assert (tmp_path / "m.yaml").read_text() == printed.stdout
    assert dry_run(tmp_path / "day.csv", "--mapping", tmp_path / "m.yaml")[1]["declarations"] == 3
    assert ingest("--init-mapping", tmp_path / "day.csv", "--output", tmp_path / "m.yaml").exit_code == 2


def test_schema_files_of_the_user_refuse_what_the_codec_takes(tmp_path: Path) -> None:
    (tmp_path / "xsd").mkdir()
    (tmp_path / "xsd" / "dec.xsd").write_bytes(XSD)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "good.xml").write_bytes(XML % b"L1")
    (tmp_path / "in" / "long.xml").write_bytes(XML % b"TOO-LONG")
    code, said = dry_run(tmp_path / "in", "--xsd", tmp_path / "xsd")
    assert (code, said["accepted"], said["dead_letters"]) == (1, 1, 1)
    (refused,) = said["would_refuse"]
    assert (refused["origin"], refused["path"]) == ("in/long.xml", "/MetaData/Declaration/FunctionalReferenceID")
    assert dry_run(tmp_path / "in")[1]["accepted"] == 2


def test_the_system_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(XML % b"L1")
    _, said = dry_run(tmp_path / "a.xml", "--system", "cds-north")
    assert said["would_accept"][0]["declaration_id"] == "cds-north:GB1:L1"
    assert ingest(tmp_path / "a.xml", "--system", "no good", "--dry-run").exit_code == 2


def test_the_dry_run_tells_by_format_and_event(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(XML % b"L1")
    (tmp_path / "b.xml").write_bytes((XML % b"L2").replace(b"EXA", b"?"))
    (tmp_path / "c.bin").write_bytes(b"\0\1")
    _, said = dry_run(tmp_path)
    assert said["events"] == {"lodged": 1}
    assert said["formats"] == [
        {"format": "cds", "accepted": 1, "declarations": 1, "refused": 1},
        {"format": "unknown", "accepted": 0, "declarations": 0, "refused": 1},
    ]


def test_an_interchange_is_acknowledged_by_the_same_reference_each_time() -> None:
    raw = b"UNB+UNOA:3+SENDER+CUSTOMS+261120:0814+REF1'UNH+1+CUSDEC:D:96B:UN'BGM+830+DOC1+9'UNT+3+1'UNZ+1+REF1'"
    taken, refused = answer_edifact(raw, None, NOW), answer_edifact(raw, FeedError("wrong", "message 1"), NOW)
    references = [re.search(rb"UNZ\+\d+\+(\w+)'", one) for one in (taken, refused)]
    assert all(references)
    assert len({found[1] for found in references if found}) == 1
    assert taken != refused
    with pytest.raises(FeedError):
        answer_edifact(b"UNB+UNOA'", None, NOW)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--mapping", "m.yaml", "--format", "cds", "."],
        ["--follow", "--again", "."],
        ["--mapping", "none.yaml", "."],
    ],
)
def test_bad_combinations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.yaml").write_text(MAPPING)
    assert ingest(*arguments).exit_code == 2
