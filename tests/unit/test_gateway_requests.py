"""What the gateway answers, and what it has handed to Kafka by then."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from gateway_parts import XML, Asked, own

from streams.gateway.app import Limits


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(tmp_path)


async def test_a_message_is_on_its_raw_topic_when_it_is_answered(asked: Asked) -> None:
    answer = await asked.post(XML % b"L1")
    assert answer.status_code == 202
    (receipt,) = answer.json()["messages"]
    assert (receipt["topic"], receipt["offset"], receipt["format"]) == ("t.raw.cds", 0, "cds")
    assert receipt["declarations"][0]["declaration_id"] == "cds:GB1:L1"
    (sent,) = asked.delivery.written
    headers = dict(sent.headers)
    assert (sent.key, sent.value, headers["format"]) == (None, XML % b"L1", b"cds")
    assert headers["origin"] == f"gateway/mine/{receipt['id']}".encode()
    assert headers["received_at"].endswith(b"Z")


async def test_a_repeat_gets_the_same_receipt_and_is_not_sent_again(asked: Asked, tmp_path: Path) -> None:
    first = await asked.post(XML % b"L1")
    again = await asked.post(XML % b"L1")
    assert again.json() == first.json()
    assert [answer.headers["assay-repeated"] for answer in (first, again)] == ["0", "1"]
    restarted = Asked(tmp_path)
    assert (await restarted.post(XML % b"L1")).json() == first.json()
    assert restarted.delivery.written == []
    other = asked.new_key(source="other")
    assert (await asked.post(XML % b"L1", key=other, source="other")).json() != first.json()
    assert len(asked.delivery.written) == 2


async def test_repeats_that_come_together_are_sent_once(asked: Asked) -> None:
    asked.delivery.go.clear()
    posts = [asyncio.create_task(asked.post(XML % b"L1")) for _ in range(8)]
    await asyncio.sleep(0.3)
    asked.delivery.go.set()
    answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert len(asked.delivery.written) == 1
    assert asked.gateway.budget.held == 0


async def test_the_same_message_twice_in_one_request_is_sent_once(asked: Asked) -> None:
    answer = await asked.post(own(1) + b"\n" + own(1) + b"\n" + own(2), "application/x-ndjson")
    first, second, third = answer.json()["messages"]
    assert first == second != third
    assert asked.written("declarations") == [own(1), own(2)]


async def test_the_window_ends(tmp_path: Path) -> None:
    asked = Asked(tmp_path, window=0)
    for _ in range(2):
        assert (await asked.post(XML % b"L1")).status_code == 202
    assert len(asked.delivery.written) == 2


async def test_what_cannot_be_decoded_is_located_and_kept(asked: Asked) -> None:
    bad = (XML % b"L1").replace(b"<TypeCode>EXA</TypeCode>", b"")
    answer = await asked.post(bad)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    (error,) = answer.json()["errors"]
    assert (error["message"], error["path"]) == (1, "/MetaData/Declaration")
    (letter,) = map(json.loads, asked.written("declarations.dlq"))
    assert letter["dead_letter_id"] == answer.json()["messages"][0]["dead_letter"]
    assert letter["origin"].startswith("gateway/mine/")
    assert asked.written("raw.cds") == []


async def test_the_good_ones_of_a_request_are_taken_and_the_status_is_no_success(asked: Asked) -> None:
    body = b"[" + b",".join([own(1), own(2, regime="sideways"), own(3)]) + b"]"
    answer = await asked.post(body, "application/json")
    said = answer.json()
    assert (answer.status_code, said["accepted"], said["refused"]) == (422, 2, 1)
    assert [(e["message"], e["path"]) for e in said["errors"]] == [(2, "/regime")]
    assert asked.written("declarations") == [own(1), own(3)]
    assert len(asked.written("declarations.dlq")) == 1


async def test_checks(asked: Asked) -> None:
    bad = (XML % b"L1").replace(b"<TypeCode>EXA</TypeCode>", b"")
    only = await asked.post(bad, check="only")
    assert (only.status_code, only.json()["would_refuse"]) == (422, 1)
    assert (await asked.post(XML % b"L1", check="only")).json()["would_accept"] == 1
    assert asked.delivery.written == []
    assert (await asked.post(bad, check="none")).status_code == 202
    assert asked.written("raw.cds") == [bad]
    assert (await asked.post(bad, check="perhaps")).status_code == 422


async def test_one_source_cannot_speak_for_another(asked: Asked) -> None:
    for wrong, path in (
        ({"source": {"system": "cds", "format": "json"}}, "/source/system"),
        ({"declaration_id": "cds:GB1:L1"}, "/declaration_id"),
    ):
        for check in ("decode", "none"):
            answer = await asked.post(own(1, **wrong), "application/json", check=check)
            assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, path)
    bound = asked.new_key(format="cds", system="cds-north")
    assert (await asked.post(own(1), "application/json", key=bound)).status_code == 422
    assert asked.written("declarations") == []
    answer = await asked.post(XML % b"L1", key=bound)
    assert answer.json()["messages"][0]["declarations"][0]["declaration_id"] == "cds-north:GB1:L1"
    assert len(asked.written("raw.cds-north")) == 1


def _zip(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _tgz(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


_PARTS = (
    b'--xx\r\nContent-Disposition: form-data; name="a"; filename="a.xml"\r\nContent-Type: application/xml\r\n\r\n'
    + XML % b"L1"
    + b"\r\n--xx\r\n\r\n"
    + XML % b"L2"
    + b"\r\n--xx--\r\n"
)
_MEMBERS = {"a.xml": XML % b"L1", "b.xml": XML % b"L2"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (_PARTS, "multipart/form-data; boundary=xx"),
        (_PARTS, 'multipart/mixed; boundary="xx"'),
        (_zip(_MEMBERS), "application/zip"),
        (_zip({"day.zip": _zip(_MEMBERS)}), "application/octet-stream"),
        (_tgz(_MEMBERS), "application/gzip"),
        (own(1) + b"\n\n" + own(2) + b"\n", "application/x-ndjson"),
        (gzip.compress(own(1) + b"\n" + own(2)), "application/x-ndjson"),
        (json.dumps([json.loads(own(n)) for n in (1, 2)], indent=2).encode(), "application/json; charset=utf-8"),
        (own(1) + b"\n" + own(2), None),
    ],
)
async def test_many_messages_in_one_request(asked: Asked, body: bytes, content_type: str | None) -> None:
    answer = await asked.post(body, content_type)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 2), answer.text
    assert len(asked.delivery.written) == 2


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/xml", 422),
        (b"", "application/x-ndjson", 422),
        (_PARTS[:-20], "multipart/form-data; boundary=xx", 422),
        (_PARTS, "multipart/form-data", 422),
        (b"--yy\r\n", "multipart/form-data; boundary=xx", 422),
        (_zip(_MEMBERS)[:-30], "application/zip", 422),
        (_tgz(_MEMBERS)[:-40], "application/gzip", 422),
        (b"\0" * 100, "application/octet-stream", 422),
        (b"{" * 100_000, "application/json", 422),
        (b"[" * 100_000, "application/json", 422),
        (XML % b"L1", "image/png", 415),
        (XML % b"L1", "video/" + "x" * 500, 415),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><MetaData>&x;</MetaData>', "application/xml", 422),
        (b'<!DOCTYPE a [<!ENTITY l "ll"><!ENTITY m "&l;&l;">]><MetaData>&m;</MetaData>', "text/xml", 422),
        (b"<MetaData>" + b"<a>" * 20_000, "application/xml", 422),
        (gzip.compress(b" " * 100_000_000, 1), "application/gzip", 422),
        (_zip({f"{n}.xml": b" " * 30_000_000 for n in range(4)}), "application/zip", 422),
    ],
)
async def test_hostile_bodies_are_refused_and_the_next_one_is_unharmed(
    asked: Asked, body: bytes, content_type: str, status: int
) -> None:
    answer = await asked.post(body, content_type)
    assert answer.status_code == status, answer.text
    assert b"root:" not in answer.content
    assert asked.written("raw.cds") == []
    assert (await asked.post(XML % b"L1")).status_code == 202
    assert asked.gateway.budget.held == 0


async def test_an_interchange_is_answered_with_its_contrl(asked: Asked) -> None:
    head = "UNA:+.? 'UNB+UNOA:3+SENDER+CUSTOMS+261120:0814+REF1'UNH+1+CUSDEC:D:96B:UN'BGM+830+DOC1+9'"
    broken = (head + "UNT+9+1'UNZ+1+REF1'").encode()
    answer = await asked.post(broken, "application/edifact", Accept="application/edifact")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/edifact"
    assert b"UCI+REF1+SENDER" in answer.content
    hopeless = await asked.post(b"UNB+UNOA'", "application/edifact", Accept="application/edifact")
    assert hopeless.headers["content-type"] == "application/problem+json"


async def test_the_number_of_messages_is_bounded(tmp_path: Path) -> None:
    asked = Asked(tmp_path, Limits(messages=3))
    for many in (b"\n".join(own(n) for n in range(4)), _tgz({f"{n}.xml": XML % b"%d" % n for n in range(4)})):
        assert (await asked.post(many, "application/octet-stream")).status_code == 413
    assert asked.delivery.written == []


async def test_what_a_body_unpacks_to_is_bounded(tmp_path: Path) -> None:
    asked = Asked(tmp_path, Limits(unpacked_bytes=1_000))
    key = asked.new_key(max_bytes=1_000)
    assert (await asked.post(_tgz(_MEMBERS), "application/gzip", key=key)).status_code == 202
    answer = await asked.post(_tgz(_MEMBERS | {"c.xml": XML % b"L3"}), "application/gzip", key=key)
    assert (answer.status_code, len(asked.delivery.written)) == (413, 2)


async def test_no_log_line_and_no_metric_holds_what_was_sent(asked: Asked, capfd: pytest.CaptureFixture[str]) -> None:
    secret = b"SECRET-REFERENCE"
    await asked.post(XML % secret)
    await asked.post((XML % secret).replace(b"EXA", b"?"))
    page = (await asked.client.get("/metrics")).text
    out, err = capfd.readouterr()
    assert 'assay_gateway_messages_total{outcome="accepted",source="mine"} 1.0' in page
    assert "SECRET" not in out + err + page
    assert asked.key not in out + err + page


async def test_the_description_shows_every_answer_and_loads_nothing(asked: Asked) -> None:
    api = (await asked.client.get("/openapi.json")).json()
    post = api["paths"]["/v1/sources/{source}/messages"]["post"]
    assert {"202", "401", "403", "413", "415", "422", "429", "503"} <= set(post["responses"])
    assert post["requestBody"]["content"]["application/xml"]["example"]
    page = await asked.client.get("/docs")
    assert "POST /v1/sources/{source}/messages" in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def slowly(*pieces: bytes, gap: float = 0.0) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
        await asyncio.sleep(gap)


async def test_a_slow_body_is_given_up(tmp_path: Path) -> None:
    asked = Asked(tmp_path, Limits(idle_seconds=0.2, body_seconds=1.0))
    assert (await asked.post(slowly(b"<a>", b"</a>", gap=2.0))).status_code == 408
    assert (await asked.post(slowly(*[b" "] * 100, gap=0.05))).status_code == 408
    assert asked.gateway.budget.held == asked.gateway.active == 0
    assert (await asked.post(slowly(XML[:9] % (), (XML % b"L1")[9:]))).status_code == 202
