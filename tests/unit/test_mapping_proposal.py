"""The proposal of a mapping: whatever the language and code page, it loads, reads its sample and finds what matters."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapping_samples import CEISA, CHINESE_TEXT, FRENCH_HEAD, FRENCH_ROWS, tradenet

from schemas import feeds
from schemas.declaration import Declaration
from schemas.errors import FeedError
from schemas.mapping import Mapping, mapped
from streams._mapping_proposal import propose

ARRIVED = feeds.Arrival(None, datetime(2026, 11, 21, tzinfo=UTC))


def rows(head: str, row: str, count: int = 9) -> str:
    return head + "\n" + "".join(row.format(n=n, m=n + 1, d=f"{n + 1:02d}") + "\n" for n in range(count))


GERMAN = rows(
    "Bezugsnummer;Anmelder EORI;Anmeldedatum;Ausführer;Bestimmungsland;Warennummer;Warenbezeichnung;Eigenmasse;"
    "Statistischer Wert;Währung;Verkehrszweig",
    "DE-{n};DE99887766;{d}.11.2026;Metall GmbH;CN;8110100{n};Antimon, roh;1.250,5;12.500,75;EUR;3",
)
SPANISH = rows(
    "Número de referencia,RUC Exportador,Declarante,Fecha,Exportador,País de destino,Partida arancelaria,Descripción,"
    "Peso neto (g),Valor FOB USD,Contenedor",
    'REF{n},20100{n},D-1,{d}/11/2026,Minera SA,Tailandia,8112.92.1{n},"Galio, en bruto","1,250.5","50,000.25",MSKU123456{n}',
)
RUSSIAN = rows(
    "Номер ДТ;ИНН декларанта;Дата подачи;Экспортер;Страна назначения;Код ТН ВЭД;Описание товара;Вес нетто;"
    "Таможенная стоимость;Валюта;Направление",
    "10702070/{n};770{n};{d}.11.2026;ООО Металл;Китай;811010{d}00;Сурьма необработанная;{m} 200,5;{m}5000,00;RUB;ЭК",
)
CHINESE = rows(
    "报关单号,申报日期,发货人,运抵国,商品编号,商品名称,净重(千克),总价,币制,运输方式",
    "22330{n},2026-11-{d},上海金属有限公司,越南,81129290{d},锌合金锭,{m}.5,{m}000,RMB,水路运输",
)
PORTUGUESE = rows(
    "Número de referência|Declarante|Data|Exportador|País de destino|NCM|Descrição|Peso líquido|Valor|Moeda",
    "BR{n}|D1|{d}/11/2026|Metais Ltda|Vietname|8112.92.{m}0|Gálio|1.000,5|2.000,00|BRL",
)


def proposed(raw: bytes, name: str) -> tuple[str, list[Declaration]]:
    """Return the proposal, and what it makes of its own sample: everything in it must decode."""
    text = propose(raw, name)
    found = mapped(Mapping.parse(text.encode()).yaml).decode(raw, ARRIVED)
    return text, [message.declaration for message in found if message.declaration is not None]


@pytest.mark.parametrize(
    ("text", "page", "kilograms", "amount", "destination"),
    [
        (GERMAN, "utf-8-sig", 1250.5, 12500.75, "CN"),
        (GERMAN, "cp1252", 1250.5, 12500.75, "CN"),
        (SPANISH, "utf-8", 1.2505, 50000.25, "TH"),
        (RUSSIAN, "cp1251", 1200.5, 15000.0, "CN"),
        (RUSSIAN, "utf-16", 1200.5, 15000.0, "CN"),
        (CHINESE, "gb18030", 1.5, 1000.0, "VN"),
        (CHINESE, "utf-8", 1.5, 1000.0, "VN"),
        (PORTUGUESE, "cp1252", 1000.5, 2000.0, "VN"),
    ],
)
def test_tables(text: str, page: str, kilograms: float, amount: float, destination: str) -> None:
    _, found = proposed(text.encode(page), "Feed 2026.csv")
    assert len(found) == 9
    first = found[0]
    assert first.lodged_at.date().isoformat() == "2026-11-01"
    assert first.country_of_destination == destination
    assert first.exporter is not None
    assert first.items[0].description is not None
    assert first.items[0].commodity_code is not None
    assert first.items[0].net_mass_kg == kilograms
    assert first.items[0].value is not None
    assert first.items[0].value.amount == amount


def test_rows_of_one_reference_are_grouped() -> None:
    items = FRENCH_ROWS[: FRENCH_ROWS.index("R2;")]
    text, found = proposed((FRENCH_HEAD + items).encode("cp1252"), "f.csv")
    assert "group_by:" in text
    assert [len(declared.items) for declared in found] == [2]


def test_what_the_proposal_cannot_read_is_said() -> None:
    text = propose((FRENCH_HEAD + FRENCH_ROWS).encode("cp1252"), "f.csv")
    assert "# Of the sample 1 declarations cannot be read yet, the first: row 4: no goods item" in text


def test_nested_json() -> None:
    text, (declared,) = proposed(json.dumps(CEISA).encode(), "ceisa.json")
    assert [i.commodity_code for i in declared.items] == ["79012000", "81129200"]
    assert declared.transport is not None
    assert declared.transport.containers == ["MSKU1234565", "TCLU7654321"]
    assert declared.items[1].value is not None
    assert "entitas[*].namaEntitas" in text.partition("# Not used:")[2]


def test_envelopes_and_lines() -> None:
    text, found = proposed(json.dumps({"sent": "x", "data": [CEISA, CEISA | {"nomorAju": "2"}]}).encode(), "e.json")
    assert 'records: "$.data[*]"' in text
    assert len(found) == 2
    text, found = proposed(tradenet(1) + b"\n" + tradenet(2) + b"\n", "t.ndjson")
    assert "format: ndjson" in text
    assert len(found) == 2


def test_guesses_are_marked() -> None:
    text, _ = proposed(CHINESE_TEXT.encode(), "c.csv")
    marks = [line.partition("# ")[2][:5] for line in text.partition("fields:")[2].splitlines() if line.startswith("  ")]
    assert set(marks) <= {"sure", "GUESS"}
    ambiguous = "ref,declarant,date,goods\n" + "".join(f"A{n},D,0{n}/02/2026,zinc bars\n" for n in range(1, 9))
    text, _ = proposed(ambiguous.encode(), "a.csv")
    assert re.search(r"lodged_at: .*GUESS: day or month first", text)


@pytest.mark.parametrize("raw", [b"", b"  \n", b"just words\nmore words\n", b"{", b"[1, 2]", b"\x00\x01\x02"])
def test_what_is_neither(raw: bytes) -> None:
    with pytest.raises(FeedError):
        propose(raw, "x")


HEADS = st.sampled_from("ref|date|net wt|HS code|goods|value|currency|净重|destination||x y|status".split("|"))
CELLS = st.sampled_from("|-|1|1,5|2026-11-20|20/11/2026|8112921000|zinc|VN|USD|C|'\"|Viet Nam".split("|"))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(HEADS, min_size=2, max_size=6), st.lists(st.lists(CELLS, min_size=2, max_size=6), min_size=1, max_size=6)
)
def test_any_table_is_proposed_for_or_refused(head: list[str], body: list[list[str]]) -> None:
    raw = "\n".join(",".join(row) for row in [head, *body]).encode() + b"\n"
    try:
        text = propose(raw, "fuzz.csv")
    except FeedError:
        return
    Mapping.parse(text.encode())


def test_the_manual_is_true(tmp_path: Path) -> None:
    """From the table of docs/mapping.md to its alert, through the replay driver."""
    from typer.testing import CliRunner

    from streams.cli import build

    manual = (Path(__file__).parents[2] / "docs" / "mapping.md").read_text("utf-8")
    (table,) = re.findall(r"^```csv\n(.*?)^```", manual, re.DOTALL | re.MULTILINE)
    weekly, ceisa = re.findall(r"^```yaml\n(.*?)^```", manual, re.DOTALL | re.MULTILINE)
    found = list(feeds.parts(mapped(weekly.encode()), table.encode(), ARRIVED))
    assert str(found[1]) == ("row 4, column Poids (g): not a number: 'douze' (decimal mark ',', thousands ' ')")
    assert not isinstance(found[0], FeedError)
    assert found[0].declaration is not None
    assert found[0].declaration.declaration_id == "fr-weekly:81234567800011:R-1"
    assert [i.net_mass_kg for i in found[0].declaration.items] == [775.0, 1040.0]
    (tmp_path / "d.ndjson").write_bytes(feeds.encode(found[0].declaration) + b"\n")
    alerts = tmp_path / "alerts.jsonl"
    ran = CliRunner().invoke(build(), ["replay", str(tmp_path / "d.ndjson"), "--alerts", str(alerts)])
    assert ran.exit_code == 0, ran.output
    (alert,) = map(json.loads, alerts.read_text("utf-8").splitlines())
    assert "gallium" in alert["substances"]
    assert "MISLABEL-NAME" in {reason["code"] for reason in alert["reasons"]}
    (message,) = mapped(ceisa.encode()).decode(json.dumps(CEISA).encode(), ARRIVED)
    assert message.declaration is not None
    assert message.declaration.items[1].description == "Galium"
