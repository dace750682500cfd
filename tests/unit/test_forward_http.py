"""Webhook, Elasticsearch and Splunk against receivers that enforce their protocols."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from forward_receivers import SECRET, Cluster, Collector, Hook, alert, certificates, envelope, envelopes

from schemas.errors import SettingsError
from streams.forward import http
from streams.forward.credentials import Secret, address
from streams.forward.elasticsearch import Elasticsearch
from streams.forward.http import Http, tls
from streams.forward.splunk import Splunk
from streams.forward.target import Delivered, Later, Outcome, Refused
from streams.forward.webhook import Webhook, key_of

GO_ON = threading.Event()
NONE = Secret("ASSAY_TEST_NOTHING")


def kinds(outcomes: list[Outcome]) -> str:
    """Return d, r, l or k (known) for each outcome."""
    return "".join("k" if one == Delivered(known=True) else type(one).__name__[0].lower() for one in outcomes)


def webhook(url: str, http_: Http, secret: str = SECRET.decode(), **options: Any) -> Webhook:
    return Webhook(address(url), http_, Secret("", given=secret), NONE, "application/cloudevents+json", **options)


@pytest.fixture
def client() -> Iterator[Http]:
    made = Http(tls(), 5.0)
    yield made
    made.close()


def test_a_webhook_is_signed_ordered_and_judged_by_its_answers(client: Http) -> None:
    with Hook(refused=frozenset({"never"})) as hook:
        target = webhook(hook.url, client)
        outcomes = target.deliver(envelopes("a/1 b/1 a/2 never/1 a/3 b/2", "cloudevents"), GO_ON)
        assert kinds(outcomes) == "dddrdd"
        assert isinstance(outcomes[3], Refused)
        assert "422" in outcomes[3].reason
        assert "this one never" in outcomes[3].reason
        assert [n for name, n in hook.seen if name == "a"] == [1, 2, 3]
        assert [n for name, n in hook.seen if name == "b"] == [1, 2]
        for answer, expected in {
            (429, b""): "l", (503, b""): "l", (500, b""): "l", (401, b""): "l", (404, b""): "l", (302, b""): "l", (408, b""): "l",
            (400, b""): "r", (413, b""): "r", (409, b""): "r", (200, b""): "d",
        }.items():  # fmt: skip
            hook.answers = [answer]
            assert kinds(target.deliver(envelopes("x", "cloudevents"), GO_ON)) == expected, answer
        hook.answers = [(500, b"we are " + b"x" * 300), (503, b"busy")]
        assert target.deliver(envelopes("x", "cloudevents"), GO_ON) == [Later("HTTP 500")], (
            "what might quote the alert is not told"
        )
        assert target.deliver(envelopes("x", "cloudevents"), GO_ON) == [Later("HTTP 503: busy")]
        hook.answers = [None, (429, b"")]
        assert kinds(target.deliver(envelopes("x", "cloudevents"), GO_ON)) == "l", "no answer"
        (busy,) = target.deliver(envelopes("x", "cloudevents"), GO_ON)
        assert busy == Later("HTTP 429", 1.0)
        assert hook.mistakes == []
        assert (
            kinds(webhook(hook.url, client, "another-secret-of-old").deliver(envelopes("x", "cloudevents"), GO_ON))
            == "r"
        )
        assert len(hook.mistakes) == 1, "the receiver does check"
        both = webhook(hook.url, client, f"another-secret-in-use {SECRET.decode()}")
        assert kinds(both.deliver(envelopes("y", "cloudevents"), GO_ON)) == "d", (
            "two secrets while one replaces the other"
        )
    assert kinds(target.deliver(envelopes("gone", "cloudevents"), GO_ON)) == "l", "nobody listens"


def test_after_a_revision_that_must_wait_no_later_one_of_the_alert_is_sent(client: Http) -> None:
    with Hook() as hook:
        target = webhook(hook.url, client, at_once=1)
        hook.answers = [(503, b"")]
        assert kinds(target.deliver(envelopes("a/1 a/2 b/1 a/3", "cloudevents"), GO_ON)) == "lldl"
        assert hook.seen == [("b", 1)]


def test_a_stop_cuts_a_receiver_that_does_not_answer(client: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_GRACE_SECONDS", 0.3)
    reached, answered = threading.Event(), threading.Event()
    stop = threading.Event()

    class Slow(Hook):
        def judge(self, request: Any, body: bytes) -> Any:
            reached.set()
            answered.wait(60)

    with Slow() as hook:
        threading.Thread(target=lambda: reached.wait(60) and stop.set(), daemon=True).start()
        client._timeout = replace_total(client, 60)
        assert kinds(webhook(hook.url, client).deliver(envelopes("a b", "cloudevents"), stop)) == "ll"
        answered.set()


def replace_total(client: Http, seconds: float) -> Any:
    return type(client._timeout)(total=seconds)


def test_certificates_are_checked_and_secrets_must_be_secrets(tmp_path: Path) -> None:
    with certificates(tmp_path) as (pem, context), Hook(context=context) as hook:
        known, unknown = Http(tls(pem), 10.0), Http(tls(), 10.0)
        assert kinds(webhook(hook.url, known).deliver(envelopes("a", "cloudevents"), GO_ON)) == "d"
        (refused,) = webhook(hook.url, unknown).deliver(envelopes("a", "cloudevents"), GO_ON)
        assert isinstance(refused, Later)
        assert "certificate" in refused.reason.lower()
        known.close()
        unknown.close()
    assert key_of("whsec_MDEyMzQ1Njc4OWFiY2RlZg==") == b"0123456789abcdef"
    for wrong in ("short", "whsec_***", "whsec_MDEy"):
        with pytest.raises(SettingsError):
            key_of(wrong)
    for wrong in ("ftp://x/y", "example.org", "https://"):
        with pytest.raises(SettingsError):
            address(wrong)
    found = address("https://me:p%40ss@es.example:9200/x?y=1")
    assert (found.url, found.user, found.password) == ("https://es.example:9200/x?y=1", "me", "p@ss")
    (tmp_path / "token").write_text("first\n")
    token = Secret("ASSAY_TEST_NOTHING", tmp_path / "token")
    assert token.value() == "first"
    (tmp_path / "token").write_text("second")
    assert token.value() == "second", "rotated without a restart"
    with pytest.raises(SettingsError, match="cannot read"):
        Secret("X", tmp_path / "none").value()


def test_elasticsearch_holds_the_newest_revision_of_each_alert_once(client: Http) -> None:
    with Cluster() as cluster:
        target = Elasticsearch(address(cluster.url), client, "assay-alerts", Secret("", given="a-key"))
        cluster.busy = {"busy"}
        first = target.deliver(envelopes("a/1 busy/1 unusable/1 a/2 b/1", "ecs"), GO_ON)
        assert kinds(first) == "dlrdd"
        assert "document_parsing_exception" in getattr(first[2], "reason", "")
        cluster.busy = set()
        assert kinds(target.deliver(envelopes("busy/1 a/1 a/2 b/2", "ecs"), GO_ON)) == "dkkd", "repeats change nothing"
        assert {name: version for name, (version, _) in cluster.documents.items()} == {"a": 2, "busy": 1, "b": 2}
        gone = envelope(alert("b", 3, "withdrawn"), "ecs")
        assert kinds(target.deliver([gone], GO_ON)) == "d"
        document = cluster.documents["b"][1]
        assert document["kibana.alert.workflow_status"] == "closed"
        assert (document["event"]["kind"], document["event"]["action"]) == ("signal", "alert-withdrawn")
        for answer in ((200, b"<html>"), (200, {"items": []}), (503, b""), (401, b"")):
            cluster.answers = [answer]
            assert kinds(target.deliver(envelopes("c d", "ecs"), GO_ON)) == "ll", answer
        cluster.answers = [(413, b""), (413, b""), (413, b"")]
        assert kinds(target.deliver(envelopes("c d", "ecs"), GO_ON)) == "rr", "halved until each stands alone"
        cluster.answers = [(413, b"")]
        assert kinds(target.deliver(envelopes("c d", "ecs"), GO_ON)) == "dd"
        assert cluster.mistakes == []
    with pytest.raises(SettingsError):
        Elasticsearch(address(cluster.url), client, "Assay Alerts", NONE)


def test_a_large_batch_goes_in_requests_of_bounded_size_and_stops_where_one_must_wait(client: Http) -> None:
    large = [envelope(alert(f"a{n}", summary="x" * 8000), "ecs", n) for n in range(400)]
    with Cluster() as cluster:
        target = Elasticsearch(address(cluster.url), client, "assay-alerts", Secret("", given="a-key"))
        assert kinds(target.deliver(large, GO_ON)) == "d" * 400
        assert cluster.requests > 1
        before = cluster.requests
        cluster.answers = [(503, b"")]
        assert set(kinds(target.deliver([replace(one, offset=1) for one in large], GO_ON))) == {"l"}
        assert cluster.requests == before + 1


def test_splunk_gets_events_and_the_one_to_blame_stands_alone(client: Http) -> None:
    with Collector() as collector:
        target = Splunk(address(collector.url), client, Secret("", given="hec-token"))
        outcomes = target.deliver(envelopes("a/1 a/2 unusable/1 b/1 c/1", "splunk"), GO_ON)
        assert kinds(outcomes) == "ddrdd"
        assert {event["fields"]["assay_alert_id"] for event in collector.events} == {"a", "b", "c"}
        newest = max(
            (event for event in collector.events if event["event"]["alert_id"] == "a"),
            key=lambda e: e["event"]["revision"],
        )
        assert newest["event"]["revision"] == 2
        assert newest["time"] == 1795162445.12
        for answer, expected in {
            (503, '{"text":"Server is busy","code":9}'): "l", (400, '{"text":"Incorrect index","code":7}'): "l",
            (400, "<html>"): "l", (200, "<html>"): "l", (200, '{"code":1}'): "l",
        }.items():  # fmt: skip
            collector.answers = [(answer[0], answer[1].encode())]
            assert kinds(target.deliver(envelopes("x", "splunk"), GO_ON)) == expected, answer
        wrong = Splunk(address(collector.url), client, Secret("", given="another"))
        assert kinds(wrong.deliver(envelopes("x", "splunk"), GO_ON)) == "l", "a token is no alert's fault"
        assert collector.mistakes == []
