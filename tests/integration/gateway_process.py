"""A gateway as a process of its own, and senders that try again as senders should."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from worker_process import ASSAY, until

from streams.gateway.serving import key_file
from streams.settings import Settings

MESSAGE = b"""<MetaData><Declaration><FunctionCode>9</FunctionCode><FunctionalReferenceID>%s</FunctionalReferenceID>
<TypeCode>EXA</TypeCode><IssueDateTime><DateTimeString formatCode="304">20261120081405Z</DateTimeString></IssueDateTime>
<Declarant><ID>GB1</ID></Declarant><GoodsShipment><GovernmentAgencyGoodsItem>
<Commodity><Description>Zinc</Description></Commodity></GovernmentAgencyGoodsItem></GoodsShipment></Declaration></MetaData>"""


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class GatewayProcess:
    """``assay gateway`` with a key for the source ``north``; killed at the end of the block if it still runs."""

    def __init__(
        self, chosen: Settings, environment: Mapping[str, str], folder: Path, *arguments: str, port: int = 0
    ) -> None:
        self._environment = {**os.environ, **environment}
        self._log = folder / f"gateway-{time.monotonic_ns()}.log"
        self._arguments = [*ASSAY, "gateway", "--port", str(port), *arguments]
        keys = key_file(chosen)
        wanted = {"source": "north", "format": "auto", "rate": 1e6, "burst": 1e6}
        self.key = keys.create(datetime.now(UTC), **wanted)[0]

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(self._arguments, env=self._environment, stderr=log, stdout=log)
        self.port = int(until(self._port, what="the gateway's port")[1])
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def _port(self) -> re.Match[str] | None:
        assert self.process.poll() is None, self.log
        return re.search(r'"port": (\d+)', self.log)

    @property
    def log(self) -> str:
        """What it has logged."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def ready(self) -> Self:
        """Wait until it takes messages."""

        def answers() -> bool:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            try:
                connection.request("GET", "/health/ready")
                return connection.getresponse().status == 200
            except OSError:
                return False
            finally:
                connection.close()

        until(answers, 60, f"the gateway to be ready; log:\n{self.log[-2000:]}")
        return self

    def post(self, body: bytes, content_type: str = "application/xml", **headers: str) -> tuple[int, dict[str, Any]]:
        """Post a body over a connection of its own; return status and JSON."""
        return post(self.port, self.key, body, content_type, **headers)

    def stop(self, seconds: float = 60.0) -> int:
        """Ask it to stop (SIGTERM) and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


def post(
    port: int, key: str, body: bytes, content_type: str = "application/xml", **headers: str
) -> tuple[int, dict[str, Any]]:
    """Post once; 0 and nothing if there was no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        sent = {"Authorization": f"Bearer {key}", "Content-Type": content_type, **headers}
        connection.request("POST", "/v1/sources/north/messages", body, sent)
        answer = connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content.startswith(b"{") else {}
    except (OSError, http.client.HTTPException):
        return 0, {}
    finally:
        connection.close()


class Senders:
    """Threads that post messages of their own, each until it is acknowledged, as a customs system would.

    ``pause`` (seconds) follows each acknowledgement: what is sent while others start must be judged afterwards.
    """

    def __init__(self, port: int, key: str, threads: int = 8, batch: int = 1, pause: float = 0.0) -> None:
        self._port, self._key, self._batch, self._pause = port, key, batch, pause
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.acknowledged: list[bytes] = []
        self.statuses: dict[int, int] = {}
        self._threads = [threading.Thread(target=self._send, args=[n], daemon=True) for n in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(90)

    def _send(self, number: int) -> None:
        count = 0
        while not self._stop.is_set():
            messages = [MESSAGE % b"T%d-%d" % (number, count + n) for n in range(self._batch)]
            count += self._batch
            body = b"".join(b"--x\r\n\r\n" + message + b"\r\n" for message in messages) + b"--x--\r\n"
            while True:
                status, _ = post(self._port, self._key, body, "multipart/mixed; boundary=x")
                with self._lock:
                    self.statuses[status] = self.statuses.get(status, 0) + 1
                    if status == 202:
                        self.acknowledged += messages
                if status == 202 or self._stop.is_set():
                    break
                time.sleep(0.2)
            self._stop.wait(self._pause)
