"""Feeds of our own making, in several languages and shapes, with the mappings that read them."""

from __future__ import annotations

import json
from typing import Any

from schemas import feeds
from schemas.errors import FeedError
from schemas.mapping import Mapping, mapped
from schemas.message import Message

FRENCH = """
name: douane-hebdo
system: fr-hebdo
format: csv
encoding: cp1252
zone: Europe/Paris
csv: {delimiter: ";"}
numbers: {decimal: ",", thousands: " "}
group_by: [Réf]
null_values: ["", "-", n.c.]
fields:
  local_reference: Réf
  declarant.id: SIRET
  lodged_at: {from: Date, date: "%d/%m/%Y"}
  regime: {constant: export}
  event: {from: Statut, table: {N: lodged, A: cancelled, M: amended}}
  version: {from: Version, optional: true}
  exporter.name: Exportateur
  country_of_export: {constant: FR}
  country_of_destination: {from: Pays, table: countries}
  routing: {from: Itinéraire, split: ">"}
  transport.mode: {from: Mode, table: transport_modes}
  transport.containers: {from: Conteneur, split: ","}
  items[].commodity_code: Code SH
  items[].description: Désignation
  items[].net_mass_kg: {from: Poids, unit: g}
  items[].value.amount: {from: Valeur, currency: {from: Devise}}
  items[].documents[].type: {constant: X002}
  items[].documents[].reference: Licence
"""
FRENCH_HEAD = "Réf;SIRET;Date;Statut;Exportateur;Pays;Itinéraire;Mode;Conteneur;Code SH;Désignation;Poids;Valeur;Devise;Licence\r\n"  # noqa: E501
FRENCH_ROWS = (
    'R1;fr123;20/11/2026;N;"Métaux; SA";Viet Nam;CN>VN>TH;1;MSKU1;8112.92.10;Lingots de zinc;1 234,5;5 600,50;EUR;L-7\r\n'
    'R1;fr123;20/11/2026;N;"Métaux; SA";Viet Nam;CN>VN>TH;1;MSKU2;79012000;"Zinc\r\nbrut";-;n.c.;EUR;-\r\n'
    "R2;fr124;21/11/2026;A;Autre;;;;;;;;;;\r\n"
)
INDONESIAN = """
name: ceisa
system: id-ceisa
format: json
zone: Asia/Jakarta
lists:
  items: barang[*]
  documents: dokumen[*]
fields:
  local_reference: nomorAju
  declarant.id: "entitas[kodeEntitas=4].nomorIdentitas"
  declaration_type: kodeDokumen
  regime: {from: kodeDokumen, table: {30: export, 20: import}}
  lodged_at: tanggalTtd
  office: kodeKantor
  exit_office: kodeKantorEkspor
  exporter.id: "entitas[kodeEntitas=2].nomorIdentitas"
  exporter.name: "entitas[kodeEntitas=2].namaEntitas"
  consignee.name: {from: ["entitas[kodeEntitas=8].namaEntitas", "entitas[kodeEntitas=6].namaEntitas"]}
  country_of_destination: kodeNegaraTujuan
  gross_mass_kg: bruto
  transport.mode: {from: "pengangkut[0].kodeCaraAngkut", table: transport_modes}
  transport.containers: kontainer[*].nomorKontainer
  invoice_value.amount: {from: fob, currency: {from: kodeValuta}}
  documents[].type: kodeDokumen
  documents[].reference: nomorDokumen
  items[].number: seriBarang
  items[].commodity_code: posTarif
  items[].description: uraian
  items[].origin: kodeNegaraAsal
  items[].net_mass_kg: netto
  items[].value.amount: {from: fob, currency: {from: $.kodeValuta}}
"""
CEISA: dict[str, Any] = {
    "nomorAju": "00003012345620261120000017",
    "kodeDokumen": "30",
    "kodeKantor": "040300",
    "kodeKantorEkspor": "040300",
    "tanggalTtd": "2026-11-20",
    "bruto": 1040.5,
    "fob": 446000,
    "kodeValuta": "USD",
    "kodeNegaraTujuan": "TH",
    "entitas": [
        {"kodeEntitas": "2", "nomorIdentitas": "0912345", "namaEntitas": "PT Logam Jaya"},
        {"kodeEntitas": "4", "nomorIdentitas": "0955555", "namaEntitas": "PT Jasa"},
        {"kodeEntitas": "6", "namaEntitas": "Siam Metal Co"},
    ],
    "barang": [
        {
            "seriBarang": 1,
            "posTarif": 79012000,
            "uraian": "Paduan seng",
            "netto": 600.5,
            "fob": 0,
            "kodeNegaraAsal": "ID",
        },
        {"seriBarang": 7, "posTarif": "8112.92.00", "uraian": "Galium", "netto": None, "fob": 246000.75},
    ],
    "kontainer": [{"nomorKontainer": "MSKU1234565"}, {"nomorKontainer": "TCLU7654321"}],
    "pengangkut": [{"kodeCaraAngkut": "1"}],
    "dokumen": [{"kodeDokumen": "380", "nomorDokumen": "INV-1"}, {"nomorDokumen": "without a type"}],
}
SINGAPORE = """
name: tradenet
system: sg-tradenet
format: ndjson
zone: Asia/Singapore
fields:
  local_reference:
    join: [header.unique_ref_no.cr_uei_no, header.unique_ref_no.date, header.unique_ref_no.seq_no]
    with: "-"
  declarant.id: header.declarant_id
  declaration_type: header.dec_type
  regime: {from: messageType, pattern: "^(OUT|INP)", table: {OUT: export, INP: import}}
  event: {from: messageType, pattern: "(DEC|UPD)$", table: {DEC: lodged, UPD: amended}}
  version: message_version
  procedure: header.custom_proc_code_info.custom_proc_code
  lodged_at: {from: header.unique_ref_no.date, date: "%Y%m%d"}
  previous_documents[].type: {constant: PMT}
  previous_documents[].reference: header.prev_pmt_no
  items[].description: goods
"""
CHINESE = """
name: danyi
system: cn-danyi
format: csv
encoding: gb18030
zone: Asia/Shanghai
fields:
  declaration_id: 报关单号
  regime: {from: 进出口标志, table: {E: export, I: import}}
  lodged_at: 申报日期
  exporter.name: 发货人
  country_of_destination: {from: 运抵国, table: {越南: VN, 泰国: TH}}
  transport.mode: {from: 运输方式, table: {水路运输: sea, 铁路运输: rail}}
  items[1].commodity_code: 商品编号1
  items[1].description: 品名1
  items[1].net_mass_kg: 净重1
  items[2].commodity_code: 商品编号2
  items[2].description: 品名2
  items[2].net_mass_kg: {from: 净重2, unit: {from: 单位2, default: 千克}}
"""
CHINESE_TEXT = (
    "报关单号,进出口标志,申报日期,发货人,运抵国,运输方式,商品编号1,品名1,净重1,商品编号2,品名2,净重2,单位2\n"
    "2233001,E,2026-11-20 08:14:05,上海金属,越南,水路运输,7901200000,锌合金锭,1000.5,8112929010,镓,2500,克\n"
    "2233002,E,20261120081405,上海金属,泰国,铁路运输,7901200000,锌合金锭,7,,,,\n"
)


def tradenet(number: int, kind: str = "OUTDEC") -> bytes:
    found = {
        "messageType": kind,
        "message_version": "1",
        "header": {
            "unique_ref_no": {"cr_uei_no": "200812345K", "date": "20261120", "seq_no": number},
            "declarant_id": "S1234567D",
            "dec_type": "DRT",
            "custom_proc_code_info": {"custom_proc_code": "SZZ"},
            "prev_pmt_no": "OD6A000001",
        },
        "goods": "zinc ingots",
    }
    return json.dumps(found).encode()


def read(mapping: str, raw: bytes, arrival: feeds.Arrival = feeds.UNKNOWN) -> list[Message]:
    """Return what a feed says, errors raised."""
    return mapped(Mapping.parse(mapping.encode()).yaml).decode(raw, arrival)


def parts(mapping: str, raw: bytes) -> tuple[list[Message], list[FeedError]]:
    """Return what a feed says, and what is wrong with the rest."""
    found = list(feeds.parts(mapped(mapping.encode()), raw, feeds.UNKNOWN))
    return [p for p in found if isinstance(p, Message)], [p for p in found if isinstance(p, FeedError)]
