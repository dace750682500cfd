"""``assay forward`` and ``assay alerts`` as people call them, and what docs/delivery.md tells them to write."""

from __future__ import annotations

import json
import re
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from forward_receivers import SECRET, Collector, Hook, alert
from typer.testing import CliRunner

from schemas.export.projection import projections
from streams.cli import build
from streams.forward.webhook import key_of, signature
from streams.worker import logs

DOCS = (Path(__file__).parents[2] / "docs" / "delivery.md").read_text("utf-8")
COLUMNS = {"COLUMNS": "200", "TERM": "dumb"}


@cache
def _app() -> Any:
    return build()


@cache
def _help(*command: str) -> str:
    return CliRunner().invoke(_app(), [*command, "--help"], env=COLUMNS).output


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run ``assay`` in a state folder of its own; logs stay as the tests have them."""
    for name in ("SECRET", "TOKEN", "PASSWORD", "LINK"):
        monkeypatch.delenv(f"ASSAY_FORWARD_{name}", raising=False)
    monkeypatch.setattr(logs, "configure", lambda *_: None)
    rows = [alert("a"), alert("b", 2), alert("never", 1), alert("a", 2, "withdrawn")]
    (tmp_path / "alerts.jsonl").write_text("".join(one.model_dump_json(by_alias=True) + "\n" for one in rows))

    def called(*arguments: str, **environment: str) -> Any:
        monkeypatch.chdir(tmp_path)
        return CliRunner().invoke(_app(), list(arguments), env={**COLUMNS, **environment})

    return called


FROM_FILE = ("--input", "alerts.jsonl", "--refused", "refused.ndjson")


def test_formats_are_listed_and_others_are_bad_usage(run: Any) -> None:
    listed = json.loads(run("alerts", "formats", "--json").output)
    assert {row["format"] for row in listed} == set(projections())
    for command in (
        ("alerts", "tail"),
        ("forward", "file", "out", *FROM_FILE),
        ("forward", "elasticsearch", "http://localhost:1"),
    ):
        wrong = run(*command, "--format", "leef")
        assert wrong.exit_code == 2
        assert "cloudevents" in wrong.output
    assert run("forward", "elasticsearch", "http://localhost:1", "--format", "cef").exit_code == 2
    assert run("forward", "elasticsearch").exit_code == 2
    assert run("forward", "syslog", "no-port").exit_code == 2
    assert run("forward", "file", "out", *FROM_FILE, "--name", "a/b").exit_code == 2


def test_every_target_explains_itself_with_an_example() -> None:
    for target in ("webhook", "elasticsearch", "splunk", "syslog", "file"):
        said = _help("forward", target)
        assert "Example:" in said
        for option in ("--format", "--name", "--from", "--no-follow", "--input", "--refused", "--attempts", "--link"):
            assert option in said, f"{target} {option}"
        assert "token TEXT" not in said, "a secret is no option"


def test_a_file_of_alerts_goes_to_a_file_of_another_format(run: Any, tmp_path: Path) -> None:
    done = run("forward", "file", "out.cef", *FROM_FILE, "--format", "cef", "--link", "https://c/{alert_id}")
    assert done.exit_code == 0, done.output
    lines = (tmp_path / "out.cef").read_text().splitlines()
    assert [re.search(r"externalId=(\S+) act=(\S+)", line)[0] for line in lines] == [  # type: ignore[index]
        "externalId=a act=opened", "externalId=b act=updated", "externalId=never act=opened", "externalId=a act=withdrawn",
    ]  # fmt: skip
    assert "request=https://c/never " in lines[2]


def test_refusals_make_the_exit_code_and_stay_in_the_file(run: Any, tmp_path: Path) -> None:
    with Hook(refused=frozenset({"never"})) as hook:
        done = run("forward", "webhook", hook.url, *FROM_FILE, ASSAY_FORWARD_SECRET=SECRET.decode())
        assert done.exit_code == 1
        assert hook.held == {"a": 2, "b": 2}
        assert hook.mistakes == []
    (kept,) = [json.loads(line) for line in (tmp_path / "refused.ndjson").read_text().splitlines()]
    assert (kept["alert_id"], kept["origin"]) == ("never", "alerts.jsonl#3")


def test_splunk_takes_any_format_in_its_envelope(run: Any) -> None:
    with Collector() as collector:
        done = run(
            "forward",
            "splunk",
            collector.url,
            *FROM_FILE,
            "--format",
            "ocsf",
            "--index",
            "customs",
            ASSAY_FORWARD_TOKEN="hec-token",
        )
        assert done.exit_code == 0, done.output
        assert {(event["sourcetype"], event["index"]) for event in collector.events} == {("assay:ocsf", "customs")}
        assert [event["event"]["activity_id"] for event in collector.events] == [1, 2, 1, 3]
        assert collector.mistakes == []
        bare = run("forward", "splunk", collector.url, *FROM_FILE)
        assert bare.exit_code == 1
        assert "ASSAY_FORWARD_TOKEN" in str(bare.exception)


def test_the_index_template_is_json(run: Any) -> None:
    template = json.loads(run("forward", "elasticsearch", "--template", "--index", "metals").output)
    assert template["index_patterns"] == ["metals*"]
    assert template["template"]["mappings"]["properties"]["event"]["properties"]["original"]["index"] is False


def _snippets() -> list[str]:
    return re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)


def test_the_check_of_a_signature_in_the_docs_holds() -> None:
    scope: dict[str, Any] = {}
    exec("import base64, hashlib, hmac, time\n" + _snippets()[0], scope)
    secret, body, now = "whsec_MDEyMzQ1Njc4OWFiY2RlZg==", "镓".encode(), int(time.time())
    headers = {
        "webhook-id": "a/1",
        "webhook-timestamp": str(now),
        "webhook-signature": signature([b"x" * 16, key_of(secret)], "a/1", now, body),
    }
    assert scope["genuine"](secret, headers, body)
    assert not scope["genuine"](secret, headers, body + b" ")
    assert not scope["genuine"](secret, headers | {"webhook-id": "a/2"}, body)
    assert not scope["genuine"](secret, headers | {"webhook-timestamp": str(now - 900)}, body)


def test_the_format_of_the_docs_works() -> None:
    scope: dict[str, Any] = {}
    exec(_snippets()[1], scope)
    assert scope["PROJECTION"].line(alert("a"), "https://c/a") == "CRITICAL a/1 open: Gallium 镓 | a https://c/a"


def test_the_docs_name_what_there_is() -> None:
    for command, options in re.findall(r"assay (forward \w+|alerts \w+)([^\n`]*)", DOCS):
        known = _help(*command.split())
        for option in re.findall(r"(?<![\w-])--[a-z-]+", options.split("#")[0]):
            assert option in known, f"assay {command} has no {option}"
