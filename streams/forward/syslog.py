"""Syslog: RFC 5424 messages over TCP or TLS, framed by their length (RFC 6587 octet counting, RFC 5425).

Syslog has no acknowledgement. What counts here as delivered: every byte was acknowledged by the receiver's TCP (Linux says how
many are still under way), and the receiver has not closed the connection. What it had not read when it died is lost; a batch
whose connection broke is sent again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
import ssl
import struct
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.export import cloudevents
from streams.forward.target import Delivered, Envelope, Later, Outcome

#: RFC 5612: the number that documentation uses. RFC 5424 wants one of the sender's own in the name of its structured data.
DOCUMENTATION_ENTERPRISE = 32473
LOCAL0 = 16
APP_NAME = "assay"
_CRITICAL, _ERROR, _WARNING, _NOTICE, _INFORMATIONAL = 2, 3, 4, 5, 6
_SEVERITIES: Mapping[str, int] = {"critical": _CRITICAL, "high": _ERROR, "medium": _WARNING, "low": _NOTICE}
_NOT_PRINTABLE = re.compile(r"[^\x21-\x7e]")


@dataclass(frozen=True)
class Address:
    """Where, and as whom: ``hostname`` and ``facility`` go into each message."""

    host: str
    port: int
    hostname: str = "-"
    facility: int = LOCAL0
    enterprise: int = DOCUMENTATION_ENTERPRISE


def message(one: Envelope, to: Address, process: int) -> bytes:
    """Return the RFC 5424 message of an alert, without a frame; a withdrawn alert is informational."""
    alert = one.alert
    severity = _INFORMATIONAL if alert.status == "withdrawn" else _SEVERITIES[alert.severity]
    structured = {
        "alertId": alert.alert_id,
        "revision": str(alert.revision),
        "status": alert.status,
        "severity": alert.severity,
        "risk": str(alert.risk_score),
        "declarationId": alert.declaration_id,
    }
    named = " ".join(f'{name}="{_escaped(value)}"' for name, value in structured.items())
    head = (
        f"<{to.facility * 8 + severity}>1 {alert.updated_at.isoformat().replace('+00:00', 'Z')} "
        f"{printable(to.hostname, 255)} {APP_NAME} {process} {cloudevents.TYPES[alert.status]} "
        f"[assay@{to.enterprise} {named}] "
    )
    return (head + one.line).encode()


def printable(text: str, longest: int) -> str:
    """Return a header field: printable ASCII without spaces, ``-`` for nothing."""
    return _NOT_PRINTABLE.sub("_", text)[:longest] or "-"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


class Syslog:
    """A syslog server.

    Parameters
    ----------
    context : for TLS; None speaks plain TCP.
    timeout : seconds for connecting, and for the receiver's TCP to acknowledge a batch.
    """

    def __init__(self, to: Address, context: ssl.SSLContext | None, timeout: float = 30.0) -> None:
        self._to, self._context, self._timeout = to, context, timeout
        self._socket: socket.socket | None = None
        self.name = f"syslog {to.host}:{to.port} ({'TLS' if context else 'TCP'})"
        self.most = 500

    def deliver(self, batch: Sequence[Envelope], stop: threading.Event) -> list[Outcome]:
        """Send them, all or none; see `streams.forward.target.Target`."""
        framed = []
        for one in batch:
            content = message(one, self._to, os.getpid())
            framed.append(b"%d %b" % (len(content), content))
        try:
            if self._socket is not None and not _alive(self._socket):
                self._shut()
            connection = self._socket = self._socket or self._connected()
            connection.settimeout(self._timeout)
            connection.sendall(b"".join(framed))
            self._acknowledged(connection, stop)
        except OSError as error:  # with it what TLS complains of, and timeouts
            self._shut()
            return [Later(f"{self.name}: {error}")] * len(batch)
        return [Delivered()] * len(batch)

    def _connected(self) -> socket.socket:
        plain = socket.create_connection((self._to.host, self._to.port), timeout=self._timeout)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if self._context is None:
            return plain
        try:
            return self._context.wrap_socket(plain, server_hostname=self._to.host)
        except BaseException:
            plain.close()
            raise

    def _acknowledged(self, connection: socket.socket, stop: threading.Event) -> None:
        """Wait until the receiver's TCP has acknowledged every byte; OSError if it closes the connection instead."""
        limit = time.monotonic() + self._timeout
        pause = 0.0005
        while _under_way(connection):
            if time.monotonic() > limit or (stop.is_set() and pause > 0.2):
                raise TimeoutError(f"the receiver took not all within {self._timeout:g} s")
            time.sleep(pause)
            pause = min(2 * pause, 0.25)
        if not _alive(connection):
            raise ConnectionResetError("the receiver closed the connection")

    def _shut(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def close(self) -> None:
        """Close the connection in order, so that what is under way arrives."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.settimeout(2.0)
                if isinstance(self._socket, ssl.SSLSocket):
                    self._socket = self._socket.unwrap()
                self._socket.shutdown(socket.SHUT_RDWR)
        self._shut()


def _under_way(connection: socket.socket) -> int:
    """Return the bytes that the other side's TCP has not acknowledged (Linux: SIOCOUTQ, which is TIOCOUTQ)."""
    (left,) = struct.unpack("i", fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, b"\0" * 4))
    return int(left)


def _alive(connection: socket.socket) -> bool:
    """Say whether the other side has the connection open still; a syslog server sends nothing."""
    connection.settimeout(0)
    try:
        while connection.recv(4096):
            pass
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return True
    except OSError:
        return False
    return False
