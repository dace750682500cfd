"""What judges, replaced while the worker runs: rule packs from files, rule packs and tables from the topic ``reference``,
and learned models from the topic ``models`` (:mod:`streams.worker.models`).

All or nothing: a pack or a table with a mistake is refused as a whole, with its errors in the log and a count in the
metrics, and what was in use stays in use. A batch is judged by one pair of tables and rules (with models) from beginning to end.

Records of ``reference``: key ``rules/<pack>`` with the YAML text of a pack, which goes before a file of the same pack; key
``table/<name>`` with a :class:`schemas.reference.ReferenceRecord`. A record without a value takes a pack or table back.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
import yaml
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import ValidationError

from detectors import engine
from detectors.batch import Batch
from detectors.models import Models
from detectors.parties import Resolver
from detectors.profiles.keys import block_of
from detectors.profiles.stage import Placed
from detectors.reference import Reference
from detectors.rules import loading
from detectors.rules.ruleset import DEFAULT_PACKS, RuleSet
from detectors.rules.watch import RuleSetHolder
from schemas import decode
from schemas.errors import ModelError, ReferenceError_, RulePackError
from schemas.model import ModelRef
from schemas.reference import ReferenceRecord
from streams import _model_notices
from streams.worker.metrics import Metrics
from streams.worker.models import Notices, Shelf

log = structlog.stdlib.get_logger(__name__)

#: Seconds between two looks at the pack files.
POLL_SECONDS = 3.0
_RULES, _TABLE = "rules/", "table/"
#: Characters of a label value at most: keys are whatever somebody wrote to the topic.
_LABEL = 100


def _no_models(name: str, ref: ModelRef) -> Path:
    raise ModelError(f"nothing to fetch {name} from")


class Judging:
    """The reference tables, rules and models in use.

    Parameters
    ----------
    packs : pack files or folders of them; by default those that come with Assay.
    fetch : gives the file of a stored model; without it there are no models.

    Raises
    ------
    RulePackError : the packs to begin with have mistakes; there is nothing older to keep.
    """

    def __init__(
        self,
        metrics: Metrics,
        packs: Sequence[Path] = (),
        fetch: Callable[[str, ModelRef], Path] | None = None,
    ) -> None:
        self._metrics = metrics
        #: News about models that were refused, and that drift.
        self.notices = Notices()
        #: Champions and challengers.
        self.shelf = Shelf(fetch or _no_models, lambda: self._reference)
        self._paths: Sequence[Path] = packs or [DEFAULT_PACKS]
        self._files = loading.read(self._paths)
        self._offered: dict[str, str] = {}
        self._tables: dict[str, ReferenceRecord] = {}
        self._shipped = engine.default_reference()
        self._reference = self._shipped
        self._holder = RuleSetHolder(RuleSet.of(self._files), reference=lambda: self._reference)
        self._replacing = threading.Lock()  # files and topic are looked at in threads of their own
        self._publish()

    @property
    def current(self) -> tuple[Reference, Models]:
        """The tables and rules that judge now, as one pair."""
        return self._current

    def warm_up(self) -> None:
        """Judge one declaration for nothing, and let profiles learn of it in memory of nobody's.

        The first one pays for every table and expression that is made on first use: a third of a second with names and contacts.
        """
        reference, models = self._current
        screened = engine.screen(Batch.of([decode.row(_WARM_UP.encode())]), reference, models, parties=Resolver())
        engine.profile([Placed(block_of(screened.facts), 0)], {})

    def _publish(self) -> None:
        models = Models(self._holder.current, self.shelf.detectors, self.shelf.challengers)
        self._current = (self._reference, models)
        self._metrics.version("rules", self._holder.current.version)
        self._metrics.version("reference", self._reference.version)

    def poll(self) -> None:
        """Take pack files that changed since the last call."""
        with self._replacing:
            self._poll()

    def _poll(self) -> None:
        try:
            files = loading.read(self._paths)
        except RulePackError as error:
            if self._holder.problems != error.problems:
                self._holder.problems = error.problems
                self._refuse("rules", "files", error.problems)
            return
        if files != self._files:
            self._files = files
            self._replace_rules("files")

    def offer(self, key: str, value: bytes | None) -> bool:
        """Take a record of the topic ``reference``; return whether it is in use now."""
        with self._replacing:
            if key.startswith(_RULES):
                return self._offer_pack(key, value)
            if key.startswith(_TABLE):
                return self._offer_table(key, value)
            return self._refuse("other", key, [f"the key must begin with {_RULES} or {_TABLE}"])

    def offer_model(self, key: str, value: bytes | None) -> bool:
        """Take a record of the topic ``models``; return whether what it asks for is in use now."""
        with self._replacing:
            usable, problems = self.shelf.offer(key, value)
            self._publish()
        champion = self.shelf.champions.get(key)
        self._metrics.forget_version(f"model {key}"[:_LABEL])
        if champion is not None:
            self._metrics.version(f"model {key}"[:_LABEL], champion.detector.version)
        if problems:
            self.notices.add(_model_notices.of_refusal(key, "\n".join(problems), datetime.now(UTC)))
            self._refuse("model", key, problems)
            return usable
        log.info(
            "models in use",
            model=key,
            champion=champion.detector.version if champion else None,
            challengers=[one.version for one in self.shelf.challengers if one.name == key],
        )
        return True

    def _offer_pack(self, key: str, value: bytes | None) -> bool:
        before = dict(self._offered)
        try:
            if value is None:
                self._offered.pop(key, None)
            else:
                self._offered[key] = value.decode()
        except UnicodeDecodeError as error:
            return self._refuse("rules", key, [f"not UTF-8: {error.reason} at byte {error.start}"])
        taken = self._replace_rules(key)
        if not taken:
            self._offered = before
        return taken

    def _replace_rules(self, source: str) -> bool:
        named = {key.removeprefix(_RULES) for key in self._offered}
        texts = {file: text for file, text in self._files.items() if _pack_of(text) not in named}
        problems = self._holder.try_replace(texts | self._offered)
        if problems:
            return self._refuse("rules", source, problems)
        self._publish()
        log.info("rules in use", version=self._holder.current.version, source=source)
        return True

    def _offer_table(self, key: str, value: bytes | None) -> bool:
        name = key.removeprefix(_TABLE)
        tables = {table: record for table, record in self._tables.items() if table != name}
        try:
            if value is not None:
                record = ReferenceRecord.model_validate_json(value)
                if record.table != name:
                    raise ReferenceError_(f"the key says table {name}, the record {record.table}")
                tables[name] = record
            made = self._shipped
            for record in tables.values():
                made = made.with_record(record)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            return self._refuse("table", key, [f"{'/'.join(map(str, first['loc']))}: {first['msg']}"])
        except ReferenceError_ as error:
            return self._refuse("table", key, str(error).splitlines())
        self._tables, self._reference = tables, made
        self._publish()
        log.info("reference tables in use", version=made.version, source=key)
        return True

    def _refuse(self, kind: str, source: str, problems: Sequence[str]) -> bool:
        self._metrics.refused.labels(kind).inc()
        log.error("refused, what was in use stays", kind=kind, source=source, problems=list(problems)[:50])
        return False


_WARM_UP = """{
  "schema": "declaration/1", "event": "lodged", "declaration_id": "warm-up", "version": 1,
  "lodged_at": "2026-01-01T00:00:00Z", "source": {"system": "assay", "format": "json"}, "regime": "export",
  "exporter": {
    "id": "CN0000000", "name": "Warm-up Metals Co., Ltd.", "address": "1 Harbour Road", "city": "Ningbo", "postcode": "315000",
    "country": "CN", "phone": "+86 574 0000 0000", "email": "office@example.org"
  },
  "consignee": {"name": "Warm-up GmbH", "address": "Hafenstr. 1", "city": "Hamburg", "country": "DE", "phone": "+49 40 000000"},
  "country_of_export": "CN", "country_of_destination": "DE", "routing": ["CN", "NL", "DE"], "transport": {"mode": "sea"},
  "items": [{
    "number": 1, "commodity_code": "8112921090", "description": "gallium metal 99.99%", "origin": "CN",
    "net_mass_kg": 25, "gross_mass_kg": 27, "value": {"amount": 11000, "currency": "EUR"},
    "packages": [{"type": "CT", "count": 1}]
  }, {
    "number": 2, "commodity_code": "7901200000", "description": "antimny trioxyde powder", "net_mass_kg": 25
  }]
}"""


def _pack_of(text: str) -> str | None:
    """Return the name of a pack, if the text is one."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    return found.get("pack") if isinstance(found, dict) else None


async def watch_files(judging: Judging) -> None:
    """Look at the pack files every :data:`POLL_SECONDS`, for ever; beside the event loop, since examples are run."""
    while True:
        await asyncio.sleep(POLL_SECONDS)
        try:
            await asyncio.to_thread(judging.poll)
        except Exception as error:  # this task must outlive whatever a file may hold
            log.error("cannot look at the rule packs", error=repr(error))


class Followed:
    """A control topic, read to its end (:meth:`catch_up`) and then followed (:meth:`follow`).

    ``offer(key, value)`` takes a record and tells whether it is in use now.
    """

    def __init__(self, offer: Callable[[str, bytes | None], bool], options: Mapping[str, Any], topic: str) -> None:
        self._offer = offer
        self._topic = topic
        self._consumer = AIOKafkaConsumer(group_id=None, **options)

    async def catch_up(self) -> None:
        """Take the latest record of every key that can be used, before anything is judged.

        A bad record goes back to the one before it, as in a worker that had run on, while the topic still has that.
        """
        await self._consumer.start()
        place = TopicPartition(self._topic, 0)  # declared with one partition, so that changes have one order
        self._consumer.assign([place])
        end = (await self._consumer.end_offsets([place]))[place]
        await self._consumer.seek_to_beginning(place)
        values: dict[str, list[bytes | None]] = {}
        while await self._consumer.position(place) < end:
            for records in (await self._consumer.getmany(timeout_ms=1_000)).values():
                for record in records:
                    values.setdefault(_key(record.key), []).append(record.value)
        for key, offered in values.items():
            for value in reversed(offered):
                if value is None or await asyncio.to_thread(self._offer, key, value):
                    break

    async def follow(self) -> None:
        """Take what comes, for ever."""
        while True:
            try:
                record = await self._consumer.getone()
                await asyncio.to_thread(self._offer, _key(record.key), record.value)
            except Exception as error:  # a broker that is away, or what a record may hold: this task must outlive both
                log.error("cannot follow a control topic", topic=self._topic, error=repr(error))
                await asyncio.sleep(POLL_SECONDS)

    async def close(self) -> None:
        """Leave the topic."""
        with contextlib.suppress(Exception):
            await self._consumer.stop()


def _key(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "backslashreplace")
