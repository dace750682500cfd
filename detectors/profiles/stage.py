"""The profile stage: blocks of signals and the states that they touch, to verdicts and the states that changed.

The state of a key is an :class:`Envelope`: for each profile its own state as MessagePack, read only when a fact concerns
it, the time of the newest fact, and the offset of the last block applied. A block at or before that offset changes
nothing, so a redelivered block is harmless even to a profile that counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid5

import msgspec

from detectors.correlate import NAMESPACE
from detectors.profiles import registry
from detectors.profiles.keys import kind_of
from detectors.profiles.profile import ENDED, Context, Profile, Ref, Said, Told
from schemas import ENGINE_VERSION
from schemas.finding import Finding, Verdict
from schemas.signal import Fact, Feedback, SignalBlock

#: The key under which a partition remembers when its history begins.
SINCE = "@since"
#: Format of the states; another number is not read, so that a worker of a newer release starts anew.
FORMAT = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
#: How late a declaration may come and still count: feeds of several offices are days apart, and batches of forms weeks.
LATENESS = timedelta(days=30)


class Envelope(msgspec.Struct, array_like=True):
    """The state of a key.

    ``offset`` of the last block applied; ``latest`` the time of the newest fact in seconds since 1970; ``late`` how many facts
    came too late to count; ``parts`` the states by the profiles' tags.
    """

    form: int = FORMAT
    offset: int = -1
    latest: int = 0
    late: int = 0
    parts: dict[str, msgspec.Raw] = {}


@dataclass(frozen=True, slots=True)
class Placed:
    """A block and its offset in its partition of ``signals`` (or its number in a replay)."""

    block: SignalBlock
    offset: int


@dataclass(slots=True)
class Profiled:
    """What :func:`apply` found: verdicts, the states that changed (None: nothing is left), and how many facts came too late."""

    verdicts: list[Verdict] = field(default_factory=list)
    changed: dict[str, bytes | None] = field(default_factory=dict)
    late: int = 0


@dataclass(slots=True)
class _Touch:
    """What a batch has for one key."""

    facts: list[tuple[int, Fact]] = field(default_factory=list)
    feedback: list[tuple[int, Feedback]] = field(default_factory=list)


_encode = msgspec.msgpack.Encoder().encode
_decode_envelope = msgspec.msgpack.Decoder(Envelope).decode


def read(raw: bytes | None) -> Envelope | None:
    """Read the state of a key; None if there is none, or one of another format."""
    if raw is None:
        return None
    envelope = _decode_envelope(raw)
    return envelope if envelope.form == FORMAT else None


def since(raw: bytes | None) -> datetime | None:
    """Read when the history of a partition begins."""
    return None if raw is None else moment(int(msgspec.msgpack.decode(raw)))


def moment(seconds: int) -> datetime:
    """Return a stored time."""
    return _EPOCH + timedelta(seconds=seconds)


def seconds(time: datetime) -> int:
    """Return a time as it is stored."""
    return int(time.timestamp())


def keys(blocks: Iterable[SignalBlock]) -> list[str]:
    """Return every key whose state :func:`apply` will ask for."""
    found: dict[str, None] = {SINCE: None}
    for block in blocks:
        found.update(dict.fromkeys(signal.key for signal in block.signals))
        found.update(dict.fromkeys(one.key for one in block.feedback))
    return list(found)


def apply(blocks: Sequence[Placed], states: Mapping[str, bytes | None], lateness: timedelta = LATENESS) -> Profiled:
    """Let the profiles learn from blocks.

    Parameters
    ----------
    blocks : of one partition, in order.
    states : the states of all :func:`keys` of the blocks, as written before; missing ones are None or absent.
    lateness : how much later than newer ones a fact may come and still count.
    """
    result = Profiled()
    begin = _begin(blocks, states, result)
    quiet = {placed.offset for placed in blocks if placed.block.quiet}
    for key, touch in _touches(blocks).items():
        _apply_key(key, touch, states.get(key), begin, lateness, quiet, result)
    return result


def _begin(blocks: Sequence[Placed], states: Mapping[str, bytes | None], result: Profiled) -> datetime:
    """Return when the history begins, noting it if these blocks reach further back.

    Whole days, so that partitions that began on the same day agree.
    """
    known = since(states.get(SINCE))
    times = [fact.time for placed in blocks for fact in placed.block.facts]
    if not times:
        return known or _EPOCH
    first = min(times).replace(hour=0, minute=0, second=0, microsecond=0)
    if known is not None and known <= first:
        return known
    result.changed[SINCE] = _encode(seconds(first))
    return first


def _touches(blocks: Sequence[Placed]) -> dict[str, _Touch]:
    touches: dict[str, _Touch] = {}
    for placed in blocks:
        facts = placed.block.facts
        for signal in placed.block.signals:
            touches.setdefault(signal.key, _Touch()).facts.append((placed.offset, facts[signal.fact]))
        for one in placed.block.feedback:
            touches.setdefault(one.key, _Touch()).feedback.append((placed.offset, one))
    return touches


def _apply_key(
    key: str,
    touch: _Touch,
    raw: bytes | None,
    begin: datetime,
    lateness: timedelta,
    quiet: set[int],
    result: Profiled,
) -> None:
    envelope = read(raw) or Envelope(parts={})
    facts = [fact for offset, fact in touch.facts if offset > envelope.offset]
    feedback = [one for offset, one in touch.feedback if offset > envelope.offset]
    if not facts and not feedback:
        return
    silent = bool(quiet) and all(offset in quiet for offset, _ in (*touch.facts, *touch.feedback))
    if silent or (len(facts) == 1 and facts[0].seconds >= envelope.latest):
        groups, late = [facts], 0
    else:
        groups, late = _groups(facts, moment(envelope.latest), lateness)
    changed = late > 0
    for n, group in enumerate(groups or [[]]):
        last = n >= len(groups) - 1
        changed |= _learn(key, envelope, group, feedback if last else [], begin, lateness, None if silent else result)
    if not changed:
        return  # nothing to write: to apply the block again would change nothing either
    result.late += late
    envelope.late += late
    envelope.offset = max(offset for offset, _ in (*touch.facts, *touch.feedback))
    result.changed[key] = _encode(envelope) if envelope.parts else None


def _groups(facts: Sequence[Fact], latest: datetime, lateness: timedelta) -> tuple[list[list[Fact]], int]:
    """Divide facts, in order of arrival, so that all of a group are open at its end; and count those that come too late.

    So a block that spans more than the lateness (a replay's, or a backlog's) is judged as if its facts came one by one. What
    changes an earlier declaration (a later version, a cancellation) stands alone if the block goes on for more than a day after
    it: it may change what is said of others that are open when it comes, and no longer at the end of a group.
    """
    end = max((fact.time for fact in facts), default=latest)
    groups: list[list[Fact]] = []
    late = 0
    alone = False
    oldest = newest = latest
    for fact in facts:
        if fact.time < latest - lateness:
            late += 1
            continue
        latest = max(latest, fact.time)
        changes = (fact.version > 1 or fact.event in ENDED) and end - fact.time > _DAY
        if not groups or alone or changes or max(newest, fact.time) - min(oldest, fact.time) > lateness:
            groups.append([])
            oldest = newest = fact.time
        alone = changes
        groups[-1].append(fact)
        oldest, newest = min(oldest, fact.time), max(newest, fact.time)
    return groups, late


def _learn(
    key: str,
    envelope: Envelope,
    facts: Sequence[Fact],
    feedback: Sequence[Feedback],
    begin: datetime,
    lateness: timedelta,
    result: Profiled | None,
) -> bool:
    """Let the profiles of a key learn, and tell ``result`` what they say now; return whether the state changed."""
    latest = envelope.latest
    newest = max([latest, *(fact.seconds for fact in facts)])
    before, after = moment(latest), moment(newest)
    changed = False
    for profile in registry.of_kind(kind_of(key)):
        wanted = [fact for fact in facts if profile.wants(fact)]
        if not wanted and not feedback:
            continue
        stored = envelope.parts.get(profile.tag)
        state = None if stored is None else msgspec.msgpack.decode(stored, type=profile.state)
        since = None if feedback else _affected(profile, state, wanted)
        told: Mapping[Ref, Told] = {}
        if state is not None and result is not None and (since is None or since <= latest):
            told = profile.say(state, Context(key, begin, before, lateness, since))
        context = Context(key, begin, after, lateness, since)
        learnt = profile.learn(state, wanted, feedback, context)
        written = None if learnt is None else msgspec.Raw(_encode(learnt))
        if written == stored:
            continue
        changed = True
        if written is None:
            envelope.parts.pop(profile.tag, None)
        else:
            envelope.parts[profile.tag] = written
        if learnt is not None and result is not None:
            result.verdicts += _news(profile, key, told, profile.say(learnt, context))
    if changed:
        envelope.latest = newest
    return changed


def _affected(profile: Profile[Any], state: Any, facts: Sequence[Fact]) -> int:
    """Return since when what is said may change by new facts: their own time, or that of the version that one replaces.

    What is said of a declaration depends on the facts up to its own time only.
    """
    since = min(fact.seconds for fact in facts)
    replaced = {fact.declaration_id for fact in facts if fact.version > 1 or fact.event != "lodged"}
    if replaced and state is not None:
        return min([since, *(one.time for one in profile.entries(state) if one.declaration_id in replaced)])
    return since


def _news(profile: Profile[Any], key: str, before: Mapping[Ref, Told], after: Mapping[Ref, Told]) -> list[Verdict]:
    """Return a verdict for each declaration of which the profile says something else than before."""
    nothing: Sequence[Said] = ()
    news = []
    for ref, told in after.items():
        known = before.get(ref)
        if list(told.said) != list(known.said if known is not None else nothing):
            news.append(verdict(profile, key, ref, told))
    return news


def verdict(profile: Profile[Any], key: str, ref: Ref, told: Told) -> Verdict:
    """Return what a profile says of a declaration as a verdict of the stage."""
    declaration_id, version = ref
    slot = f"{profile.name}:{key}"
    return Verdict(
        stage="profile",
        key=slot,
        declaration_id=declaration_id,
        declaration_version=version,
        event="lodged",
        event_time=told.time,
        findings=[
            Finding(
                finding_id=str(uuid5(NAMESPACE, f"finding/{declaration_id}/{version}/{said.item}/{slot}/{n}")),
                declaration_id=declaration_id,
                declaration_version=version,
                item=said.item,
                code=said.code,
                detector=profile.name,
                detector_version=ENGINE_VERSION,
                score=round(said.score, 4),
                severity=said.severity,
                title=said.title,
                explanation=said.explanation,
                evidence=list(said.evidence),
                typologies=list(said.typologies),
                substances=list(said.substances),
                observed_at=told.time,
            )
            for n, said in enumerate(told.said)
        ],
        declaration=dict(told.shown) if told.said else {},
        provenance={"engine": ENGINE_VERSION},
    )


def explain(key: str, raw: bytes, begin: bytes | None, lateness: timedelta = LATENESS) -> dict[str, Any]:
    """Describe the state of a key in words (see :func:`detectors.engine.explain`)."""
    envelope = read(raw)
    if envelope is None:
        return {"key": key, "latest": None, "late": 0, "profiles": {"state": ["of another release; it is not read"]}}
    latest = moment(envelope.latest)
    context = Context(key, since(begin) or latest, latest, lateness)
    told = {
        profile.name: profile.explain(msgspec.msgpack.decode(envelope.parts[profile.tag], type=profile.state), context)
        for profile in registry.of_kind(kind_of(key))
        if profile.tag in envelope.parts
    }
    return {"key": key, "latest": latest.isoformat(timespec="seconds"), "late": envelope.late, "profiles": told}


def warming(begin: datetime | None, latest: datetime | None) -> list[str]:
    """Name the profiles whose window the history does not cover yet."""
    return [
        profile.name
        for profile in registry.profiles()
        if profile.window is not None and (begin is None or latest is None or latest - begin < profile.window)
    ]
