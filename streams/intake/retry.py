"""Dead letters of feeds, decoded again by the codecs of today.

The bytes are the dead letter's own, or those at its claim check where it could not keep them; the headers (format, mapping, time
of arrival) are those of the raw record, as long as the raw topic keeps it. A mapped feed is read by the mapping in those headers,
or by one that is given: rows refused at the door never came onto a raw topic, and a wrong mapping is mended in its file.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from schemas import feeds
from schemas import mapping as mapped_feeds
from schemas.dead_letter import DeadLetter
from schemas.errors import FeedError
from streams import topics
from streams.intake import decoding
from streams.intake.decoding import Raw

if TYPE_CHECKING:
    from kafka import KafkaConsumer
    from kafka.consumer.fetcher import ConsumerRecord

_CLAIM: Final = re.compile(r"(?P<topic>raw\.[A-Za-z0-9._-]+)/(?P<partition>[0-9]{1,9})@(?P<offset>[0-9]{1,18})\Z")
_FETCH_MS: Final = 10_000


@dataclass(frozen=True)
class Again:
    """A message to put on its raw topic (declared name) once more, and what it says today."""

    topic: str
    value: bytes
    headers: list[tuple[str, bytes]]
    says: str


def fetch(reader: KafkaConsumer, named: Mapping[str, str], origin: str) -> ConsumerRecord | None:
    """Return the raw record at a claim check; None if that is no claim check, or the topic does not keep it any more."""
    from kafka import TopicPartition

    found = _CLAIM.match(origin)
    if found is None or found["topic"] not in named:
        return None
    place, offset = TopicPartition(named[found["topic"]], int(found["partition"])), int(found["offset"])
    if place.partition not in (reader.partitions_for_topic(place.topic) or ()):
        return None
    first, end = reader.beginning_offsets([place])[place], reader.end_offsets([place])[place]
    if not first <= offset < end:
        return None
    reader.assign([place])
    reader.seek(place, offset)
    for record in reader.poll(timeout_ms=_FETCH_MS, max_records=1).get(place, []):
        if record.offset == offset:
            return record
    return None


def again(letter: DeadLetter, record: Any | None, mapping: mapped_feeds.Mapping | None = None) -> Again:
    """Return what is to be done once more.

    Parameters
    ----------
    record : the raw record at the dead letter's origin, if there is one.
    mapping : reads dead letters of the format that has its name, whatever mapping came with them.

    Raises
    ------
    FeedError : the bytes are gone, the codecs of today cannot decode them either, or nobody knows by which mapping.
    """
    if letter.truncated and record is None:
        raise FeedError(f"its bytes were not kept, and {letter.origin} has no record any more")
    value = record.value if letter.truncated and record is not None else base64.b64decode(letter.payload)
    headers: list[tuple[str, bytes]] = list(record.headers) if record is not None else []
    claim = _CLAIM.match(letter.origin)
    if record is None and letter.format:
        headers.append(("format", letter.format.encode()))
    if mapping is not None and mapping.name == letter.format:
        headers = [(name, said) for name, said in headers if name != "mapping"] + [("mapping", mapping.yaml)]
    elif letter.format not in (None, decoding.AUTO, *feeds.codecs()) and "mapping" not in dict(headers):
        raise FeedError(
            f"no format is called {letter.format!r}; if it is a mapping, name its file: --mapping {letter.format}.yaml"
        )
    raw = Raw(
        value, dict(headers), claim["topic"].removeprefix(topics.RAW) if claim else None, letter.origin, letter.at
    )
    codec = decoding.codec_of(raw)
    parts = list(decoding.messages(raw))
    wrong = [part for part in parts if isinstance(part, FeedError)]
    if wrong and len(wrong) == len(parts):
        raise wrong[0]
    events = Counter(part.event for part in parts if not isinstance(part, FeedError))
    said = ", ".join(f"{count} {event}" if count > 1 else event for event, count in events.items()) or "nothing"
    more = f"; {len(wrong)} parts still cannot be decoded" if wrong else ""
    return Again(topics.raw(raw.system or codec.system), value, headers, f"{codec.name}: {said}{more}")
