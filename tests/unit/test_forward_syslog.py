"""Syslog against a server that holds to RFC 5424 and RFC 6587, and against a real rsyslog."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from forward_receivers import SyslogServer, alert, certificates, envelope, envelopes

from streams.forward.http import tls
from streams.forward.syslog import Address, Syslog, message, printable
from streams.forward.target import Delivered, Later

GO_ON = threading.Event()
RSYSLOG = shutil.which("rsyslogd", path="/usr/sbin:/sbin:/usr/bin")


def until(holds: Callable[[], object], seconds: float = 60.0) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, f"waited {seconds} s"
        time.sleep(0.02)


def test_messages_follow_the_grammar_whatever_the_alert_says() -> None:
    hostile = alert(
        "a", 2, alert_id='x"y]\\z 镓', declaration_id="d\nnew ] line", title="t\n=|", summary="\u2028 é", severity="low"
    )
    with SyslogServer() as server:
        target = Syslog(Address("127.0.0.1", server.port, "host with space 镓", 4), None)
        outcomes = target.deliver(
            [envelope(hostile, "cef"), envelope(alert("b", 3, "withdrawn"), "ocsf"), envelope(alert("c"), "json")],
            GO_ON,
        )
        assert outcomes == [Delivered()] * 3
        until(lambda: len(server.messages) + len(server.mistakes) == 3)
        assert server.mistakes == []
        first, second, third = server.messages
        assert [one["pri"] for one in server.messages] == [b"%d" % (4 * 8 + n) for n in (5, 6, 2)]
        assert [one["kind"] for one in server.messages] == [
            b"assay.alert.updated",
            b"assay.alert.withdrawn",
            b"assay.alert.opened",
        ]
        assert 'alertId="x\\"y\\]\\\\z 镓"' in first["structured"].decode()
        assert first["host"] == b"host_with_space__"
        assert first["text"].startswith(b"CEF:0|Assay|")
        assert json.loads(second["text"])["activity_id"] == 3
        assert json.loads(third["text"])["title"] == "Gallium 镓 | c"
        target.close()
    assert printable("", 10) == "-"
    assert len(message(envelope(alert("a")), Address("h", 1), 7).split(b" ")[0]) <= len("<191>1")


def test_a_lost_connection_is_a_later_and_is_made_again() -> None:
    with SyslogServer() as server:
        target = Syslog(Address("127.0.0.1", server.port), None, timeout=10)
        assert target.deliver(envelopes("a"), GO_ON) == [Delivered()]
        until(lambda: server.messages)
        server.hang_up()
        until(lambda: not _open(target))
        assert target.deliver(envelopes("b"), GO_ON) == [Delivered()], (
            "the broken connection was seen before anything was sent"
        )
        until(lambda: len(server.messages) == 2)
        port = server.port
    until(lambda: not _open(target))
    (gone,) = target.deliver(envelopes("c"), GO_ON)
    assert isinstance(gone, Later)
    with SyslogServer(port=port) as again:
        assert target.deliver(envelopes("c"), GO_ON) == [Delivered()]
        until(lambda: again.messages)
    target.close()


def _open(target: Syslog) -> bool:
    from streams.forward.syslog import _alive

    return target._socket is not None and _alive(target._socket)


def test_a_receiver_that_does_not_read_has_nothing_delivered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        target = Syslog(Address("127.0.0.1", listening.getsockname()[1]), None, timeout=1)
        large = [envelope(alert(f"a{n}", summary="x" * 8000)) for n in range(500)] * 4
        outcomes = target.deliver(large, GO_ON)
        assert all(isinstance(one, Later) for one in outcomes)
        target.close()


def test_tls_checks_the_certificate(tmp_path: Path) -> None:
    with certificates(tmp_path) as (pem, context), SyslogServer(context) as server:
        target = Syslog(Address("127.0.0.1", server.port), tls(pem))
        assert target.deliver(envelopes("a b"), GO_ON) == [Delivered()] * 2
        until(lambda: len(server.messages) == 2)
        assert target.deliver(envelopes("c"), GO_ON) == [Delivered()], "on the same connection"
        until(lambda: len(server.messages) == 3)
        target.close()
        (unknown,) = Syslog(Address("127.0.0.1", server.port), tls()).deliver(envelopes("d"), GO_ON)
        assert isinstance(unknown, Later)
        assert "certificate" in unknown.reason
        assert server.mistakes == []


@contextmanager
def rsyslog(folder: Path, encrypted: tuple[Path, Path] | None = None) -> Iterator[tuple[int, Path]]:
    """Run a real rsyslogd; yield its port, and the file to which it writes what it understood, a JSON a line."""
    out, port_file = folder / "understood.json", folder / "port"
    driver = ""
    head = 'global(workDirectory="%s" maxMessageSize="64k")\n' % folder  # noqa: UP031 - braces are rsyslog's
    if encrypted:
        pem, key = encrypted
        head = (
            f'global(workDirectory="{folder}" maxMessageSize="64k" DefaultNetstreamDriver="ossl" '
            f'DefaultNetstreamDriverCAFile="{pem}" DefaultNetstreamDriverCertFile="{pem}" '
            f'DefaultNetstreamDriverKeyFile="{key}")\n'
        )
        driver = ' StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="anon"'
    fields = ' constant(value=",") '.join(
        f'property(name="{name}" outname="{name}" format="jsonf")'
        for name in ("pri", "timereported", "hostname", "app-name", "msgid", "structured-data", "msg")
    )
    (folder / "rsyslog.conf").write_text(
        head
        + f'module(load="imtcp"{driver})\n'
        + f'input(type="imtcp" address="127.0.0.1" port="0" listenPortFileName="{port_file}")\n'
        + f'template(name="understood" type="list") {{ constant(value="{{") {fields} constant(value="}}\\n") }}\n'
        + f'action(type="omfile" file="{out}" template="understood")\n'
    )
    command = [str(RSYSLOG), "-n", "-f", str(folder / "rsyslog.conf"), "-i", str(folder / "pid")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until(lambda: (port_file.exists() and port_file.read_text().strip()) or process.poll() is not None)
        assert process.poll() is None, (folder / "log").read_text()
        yield int(port_file.read_text()), out
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.skipif(RSYSLOG is None, reason="needs rsyslogd (Debian: apt-get install rsyslog rsyslog-openssl)")
@pytest.mark.parametrize("encrypted", [False, True])
def test_a_real_rsyslog_understands_every_field(tmp_path: Path, encrypted: bool) -> None:
    with (
        certificates(tmp_path) as (pem, _),
        rsyslog(tmp_path, (pem, tmp_path / "server.key") if encrypted else None) as (port, out),
    ):
        target = Syslog(Address("127.0.0.1", port, "assay-host"), tls(pem) if encrypted else None)
        sent = [
            envelope(alert("a", title="镓·锭 | =", summary="one\ntwo \\ three"), "cef"),
            envelope(alert("b", 2, summary="y" * 8000), "json"),
            envelope(alert('c"]\\', 3, "withdrawn"), "cef"),
        ]
        assert target.deliver(sent, GO_ON) == [Delivered()] * 3, (tmp_path / "log").read_text()
        target.close()
        until(lambda: out.exists() and out.read_text().count("\n") == 3)
        understood = [json.loads(line) for line in out.read_text().splitlines()]
        assert [one["pri"] for one in understood] == ["130", "130", "134"]
        assert [one["msgid"] for one in understood] == [
            "assay.alert.opened",
            "assay.alert.updated",
            "assay.alert.withdrawn",
        ]
        assert {one["hostname"] for one in understood} == {"assay-host"}
        assert [one["msg"].lstrip(" ") for one in understood] == [one.line for one in sent]
        assert 'alertId="c\\"\\]\\\\"' in understood[2]["structured-data"]
