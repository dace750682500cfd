"""A gateway without sockets and without Kafka: the application with a delivery that keeps what it is given."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from streams.gateway.app import Gateway, Limits, create
from streams.gateway.delivery import Delivery, Outgoing, Place, UnavailableError
from streams.gateway.intake import GatewayIntake
from streams.gateway.keys import KeyFile
from streams.gateway.metrics import Metrics
from streams.gateway.receipts import Receipts
from streams.settings import Settings

XML = b"""<MetaData><Declaration><FunctionCode>9</FunctionCode><FunctionalReferenceID>%s</FunctionalReferenceID>
<TypeCode>EXA</TypeCode><IssueDateTime><DateTimeString formatCode="304">20261120081405Z</DateTimeString></IssueDateTime>
<Declarant><ID>GB1</ID></Declarant><GoodsShipment><GovernmentAgencyGoodsItem>
<Commodity><Classification><ID>79012000</ID></Classification></Commodity>
</GovernmentAgencyGoodsItem></GoodsShipment></Declaration></MetaData>"""


def own(number: int, **more: object) -> bytes:
    """Return a declaration of our own contract, of the source ``mine``."""
    found = {
        "event": "lodged",
        "declaration_id": f"mine:{number}",
        "lodged_at": "2026-11-20T08:00:00Z",
        "source": {"system": "mine", "format": "json"},
        "regime": "export",
        "items": [{"number": 1}],
    }
    return json.dumps(found | more).encode()


class Kept(Delivery):
    """A Kafka in memory: it acknowledges at once, unless told to wait or to fail."""

    def __init__(self, chosen: Settings) -> None:
        super().__init__(chosen)
        self.up, self.trouble = True, ""
        self.written: list[Outgoing] = []
        self.go = asyncio.Event()
        self.go.set()
        self.fails = False
        self.missing: set[str] = set()

    async def exists(self, topic: str) -> bool:
        return topic not in self.missing

    async def send(self, records: Sequence[Outgoing]) -> list[Place]:
        await self.go.wait()
        if self.fails:
            raise UnavailableError("Kafka did not take it")
        begin = len(self.written)
        self.written += records
        return [Place(one.topic, 0, begin + n) for n, one in enumerate(records)]


class Asked:
    """A gateway and a client of it, with the key of one source."""

    def __init__(
        self, folder: Path, limits: Limits | None = None, patience: float = 5.0, window: float = 3600.0
    ) -> None:
        self.chosen = Settings(topic_prefix="t.", state_dir=folder)
        self.keys = KeyFile(folder / "keys.json")
        self.delivery = Kept(self.chosen)
        self.metrics = Metrics()
        self.receipts = Receipts(folder / "receipts.sqlite", window)
        intake = GatewayIntake(self.chosen, self.delivery, self.receipts, self.metrics, patience, 2)
        self.gateway = Gateway(self.keys, intake, self.delivery, self.metrics, limits or Limits())
        transport = httpx.ASGITransport(create(self.gateway))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://gateway")
        self.key = self.new_key()

    def new_key(self, **wanted: Any) -> str:
        """Make a key; without wishes one that may send anything to ``mine``, quickly."""
        base = {"source": "mine", "rate": 1e6, "burst": 1e6}
        return self.keys.create(datetime.now(UTC), **(base | wanted))[0]

    async def post(
        self, body: Any, content_type: str | None = "application/xml", key: str | None = None, source: str = "mine",
        check: str | None = None, **headers: str,
    ) -> httpx.Response:  # fmt: skip
        """Post a body as it is (bytes, or an async iterator of pieces)."""
        sent = {"Authorization": f"Bearer {key or self.key}"} | {
            name.replace("_", "-"): v for name, v in headers.items()
        }
        if content_type is not None:
            sent["Content-Type"] = content_type
        params = {"check": check} if check else None
        return await self.client.post(f"/v1/sources/{source}/messages", content=body, headers=sent, params=params)

    def written(self, topic: str) -> list[bytes]:
        """Return the values on a topic."""
        return [one.value for one in self.delivery.written if one.topic == f"t.{topic}"]
