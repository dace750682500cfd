"""Messages to declarations: identity, aliases, duplicates, waiting.

**Which declaration.** By ``declaration_id`` (or declarant and local reference, of which it is made), else by MRN, else by local
reference if one declaration of the system has it, else by the reference of an amendment that it answers, else (where nothing but
an unknown MRN stands beside it) by a UCR that one declaration has. A message that names a declaration in several ways teaches
its names: the acceptance, with LRN and MRN, makes the MRN known to all that wait for it.

**Duplicates** are told by what a message says, not by when it came (:func:`streams.intake.saying.said`).

**Rejected amendments.** A rejection that names the reference of an amendment (or of a cancellation) takes it back: the next
version restates the content without it. That is possible while the amendment is kept: until :data:`MAX_MAKERS` versions
have followed, or the declaration is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from pydantic_core import to_json

from schemas.errors import RecordError
from streams.intake import mrn as check
from streams.intake.entries import Entry, Life, Told
from streams.intake.life import STEPS, Folded, Version, fold
from streams.intake.saying import Received, entry_of, names_of, said, usable
from streams.intake.store import Store, Waiting

#: Seconds that a message waits for what it speaks of.
WAIT_SECONDS: Final = 15 * 60.0
#: Messages that wait at once in one raw partition; of more, the oldest is given up.
MAX_WAITING: Final = 10_000
#: Versions that are kept message by message; half of them are folded into one beyond that.
MAX_MAKERS: Final = 64
_MAX_EVENTS: Final = 256
_MAX_SEEN: Final = 1_024


class Written(NamedTuple):
    """A declaration to write: its id, its canonical JSON, and the claim check of the message that made it."""

    declaration_id: str
    raw: bytes
    version: int
    event: str
    origin: str


class Refused(NamedTuple):
    """A message that cannot be used: a dead letter. ``raw`` is the record that held it, empty if it is not kept."""

    origin: str
    part: int
    error: RecordError
    raw: bytes
    format: str | None


@dataclass(slots=True)
class Outcome:
    """What follows from a message, or from the passing of time."""

    written: list[Written] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    duplicates: int = 0
    doubtful: list[str] = field(default_factory=list)


class UnknownError(RecordError):
    """A message speaks of a declaration or version that is not known, and none came in time."""


class Assembly:
    """The intake of one raw partition: messages in, declarations out. Deterministic: it reads no clock.

    Parameters
    ----------
    store : what is remembered; changed by every call, committed by the caller.
    wait : seconds that messages wait; max_waiting : how many may.
    """

    def __init__(self, store: Store, wait: float = WAIT_SECONDS, max_waiting: int = MAX_WAITING) -> None:
        self._store = store
        self._wait = int(wait * 1_000_000)
        self._max_waiting = max_waiting

    def apply(self, received: Received) -> Outcome:
        """Take in one message."""
        outcome = Outcome()
        message = received.message
        digest, body = said(message)
        known = usable(message.named.mrn)
        if known and check.doubtful(known):
            outcome.doubtful.append(known)
        if self._store.waits(digest):
            outcome.duplicates += 1
            return outcome
        declared = message.declaration.declaration_id if message.declaration is not None else None
        entry = entry_of(received, digest, body)
        waiting = Waiting(digest, entry, message.named, body, received.raw, received.format, declared)
        self._place(waiting, outcome)
        while self._store.waiting > self._max_waiting:
            self._give_up(outcome, None)
        return outcome

    def release(self, now: int) -> Outcome:
        """Give up what has waited too long at ``now`` (microseconds since 1970, UTC)."""
        outcome = Outcome()
        while self._give_up(outcome, now):
            pass
        return outcome

    def _place(self, waiting: Waiting, outcome: Outcome) -> None:
        """Give a message to its declaration, and then those that waited for the names that it taught."""
        pending = [waiting]
        while pending:
            one = pending.pop(0)
            life, _ = self._find(one)
            if life is None:
                if not any(names_of(one)):
                    error = UnknownError("the message names no declaration: neither id, reference, MRN nor UCR")
                    outcome.refused.append(_refused(one.entry, error, one.raw, one.format))
                    self._store.unwait(one.digest)
                else:
                    one.entry.deadline = one.entry.arrived + self._wait
                    self._store.wait(one, names_of(one))
                continue
            self._store.unwait(one.digest)
            if life.knows(one.digest):
                outcome.duplicates += 1
                # A worker may have died when it had written the life and not yet that these wait no more.
                pending += [each for name in life.names for each in self._store.waiting_for(name)]
                continue
            self._join(life, one, outcome)
            pending += self._taught(life, one)

    def _find(self, one: Waiting) -> tuple[Life | None, str]:
        """Return the declaration that a message speaks of, or why there is none."""
        named, system, store = one.named, one.entry.source["system"], self._store
        name = named.declaration_id
        if name is None and named.declarant and named.local_reference:
            made = [f"{system}:{who}:{named.local_reference}" for who in (named.declarant, named.declarant.upper())]
            name = next((each for each in made if store.life(each) is not None), None)
        if name is not None and (life := store.life(name)) is not None:
            return life, ""
        begins = one.entry.kind == "whole" and one.entry.event != "amended" and (one.entry.version or 1) == 1
        if begins and (name or one.declared):
            return Life(name or one.declared or "", named.local_reference), ""
        reason = f"no declaration {name} is known" if name else ""
        if mrn := usable(named.mrn):
            if found := store.named(f"mrn:{system}:{mrn}"):
                return store.life(found[-1]), ""
            reason = reason or f"no declaration with MRN {mrn} is known"
        if name is None and (lrn := named.local_reference):
            found = store.named(f"lrn:{system}:{lrn}") or store.named(f"ref:{system}:{lrn}")
            if len(found) == 1:
                return store.life(found[0]), ""
            many = f"local reference {lrn} is that of several declarations: {', '.join(found[:5])}" if found else ""
            reason = many or reason or f"no declaration with local reference {lrn} is known"
        elif name is None and named.ucr:
            found = store.named(f"ucr:{system}:{named.ucr}")
            if len(found) == 1:
                return store.life(found[0]), ""
            many = f"UCR {named.ucr} is that of several declarations: {', '.join(found[:5])}" if found else ""
            reason = many or reason or f"no declaration with UCR {named.ucr} is known"
        return None, reason

    def _taught(self, life: Life, one: Waiting) -> list[Waiting]:
        """Learn the names of a message and keep the life; return what waited for a name that is new."""
        system, named, entry = one.entry.source["system"], one.named, one.entry
        if life.local_reference is None and named.local_reference and (entry.kind == "whole" or not entry.reference):
            life.local_reference = named.local_reference
        names = [f"id:{life.declaration_id}"]
        if mrn := usable(named.mrn):
            names.append(f"mrn:{system}:{mrn}")
        if life.local_reference:
            names.append(f"lrn:{system}:{life.local_reference}")
        if named.ucr:
            names.append(f"ucr:{system}:{named.ucr}")
        if entry.reference and (entry.makes or entry.event == "cancelled"):
            names.append(f"ref:{system}:{entry.reference}")
        found: dict[str, Waiting] = {}
        new = [name for name in names if name not in life.names and self._store.learn(name, life.declaration_id)]
        life.names += new
        self._store.save(life)
        for name in new:
            found |= {each.digest: each for each in self._store.waiting_for(name)}
        return sorted(found.values(), key=lambda each: each.entry.position)

    def _join(self, life: Life, one: Waiting, outcome: Outcome) -> None:
        if one.body is not None:
            self._store.add_body(life.declaration_id, one.entry.content or "", one.body)
        one.entry.deadline = None
        life.entries.append(one.entry)
        life.last = max(life.last, one.entry.arrived)
        self._settle(life, outcome, {one.digest: (one.raw, one.format)})  # _taught keeps it

    def _settle(self, life: Life, outcome: Outcome, raws: dict[str, tuple[bytes, str | None]]) -> None:
        """Work out the versions of a life, write what is new, and note what waits."""
        folded = fold(life, lambda content: self._store.body(life.declaration_id, content))
        while folded.hopeless:
            for entry in [entry for entry in life.entries if entry.digest in folded.hopeless]:
                self._drop(life, entry, folded.hopeless[entry.digest], outcome, raws.get(entry.digest))
            folded = fold(life, lambda content: self._store.body(life.declaration_id, content))
        for entry in life.entries:
            if entry.digest in folded.waiting:
                if entry.deadline is None:
                    entry.deadline = entry.arrived + self._wait
                    raw, form = raws.get(entry.digest, (b"", None))
                    self._store.keep_raw(life.declaration_id, entry.digest, raw, form)
                if (blocker := folded.behind.get(entry.digest)) is not None:
                    entry.deadline = max(entry.deadline, blocker.arrived + self._wait)
            elif entry.deadline is not None:
                entry.deadline = None
                self._store.drop_raw(life.declaration_id, entry.digest)
        self._remember(life, folded)
        self._tell(life, folded, outcome)
        self._compact(life, folded)

    def _remember(self, life: Life, folded: Folded) -> None:
        """Keep what edits made, and drop what nobody uses any more."""
        unused = {content for step, (content, _) in life.made.items() if step not in folded.used and content}
        life.made = {step: life.made[step] for step in life.made if step in folded.used}
        for step, (content, made, lodged_at) in folded.new.items():
            if made is not None:
                self._store.add_body(life.declaration_id, content, made)
            life.made[step] = [content, lodged_at]
        kept = {content for content, _ in life.made.values()} | {entry.content for entry in life.entries}
        for content in unused - kept:
            self._store.drop_body(life.declaration_id, content)

    def _tell(self, life: Life, folded: Folded, outcome: Outcome) -> None:
        if not folded.versions:
            return
        told, head = life.told, folded.versions[-1]
        life.mrn = folded.mrn
        if head.number + life.lift < told.version:
            if folded.waiting:
                return  # what waits now takes the place of what was written before; it will be more again
            life.lift = told.version - head.number
        for version in folded.versions:
            number = version.number + life.lift
            now = Told(number, version.event, folded.mrn, version.content, version.lodged_at)
            if number > told.version or (version is head and now != told):
                raw = self._declaration(life, version, now)
                origin = version.maker.source.get("origin") or ""
                outcome.written.append(Written(life.declaration_id, raw, number, now.event, origin))
                life.told = now

    def _declaration(self, life: Life, version: Version, told: Told) -> bytes:
        content = version.made
        if content is None:
            content = self._store.body(life.declaration_id, version.content)
        beside: dict[str, Any] = {
            "schema": "declaration/1",
            "event": told.event,
            "declaration_id": life.declaration_id,
            "version": told.version,
            "mrn": told.mrn,
            "lodged_at": told.lodged_at,
            "source": version.maker.source,
        }
        return to_json(beside)[:-1] + b"," + content[1:]

    def _give_up(self, outcome: Outcome, now: int | None) -> bool:
        """Give up one message whose time is over (with no ``now``: the one whose time is over first); False if there is none."""
        due = self._store.due()
        if due is None or (now is not None and due.deadline > now):
            return False
        if due.waiting is not None:
            one = due.waiting
            self._store.unwait(one.digest)
            _, reason = self._find(one)
            outcome.refused.append(_refused(one.entry, UnknownError(reason), one.raw, one.format))
            return True
        life = self._store.life(due.declaration_id)
        assert life is not None
        folded = fold(life, lambda content: self._store.body(life.declaration_id, content))
        late = [entry for entry in life.entries if entry.deadline is not None]
        entry = min(late, key=lambda e: (e.deadline or 0, e.version is None, e.version or 0, e.position))
        reason = folded.waiting.get(entry.digest, f"waited in vain for a message about {life.declaration_id}")
        self._drop(life, entry, UnknownError(reason), outcome, self._store.raw(entry.digest))
        self._settle(life, outcome, {})
        self._store.save(life)
        return True

    def _drop(
        self,
        life: Life,
        entry: Entry,
        error: RecordError,
        outcome: Outcome,
        raw: tuple[bytes, str | None] | None,
    ) -> None:
        life.entries.remove(entry)
        self._store.drop_raw(life.declaration_id, entry.digest)
        kept, form = raw or (b"", None)
        outcome.refused.append(_refused(entry, error, kept, form))

    def _compact(self, life: Life, folded: Folded) -> None:
        """Fold the oldest versions into one, and leave out events that say nothing any more, once there are very many."""
        versions = folded.versions
        if len(versions) > MAX_MAKERS:
            base = versions[-(MAX_MAKERS // 2)]
            gone = {entry.digest for version in versions[: -(MAX_MAKERS // 2) + 1] for entry in version.members}
            content = base.made if base.made is not None else self._store.body(life.declaration_id, base.content)
            self._store.add_body(life.declaration_id, base.content, content)
            made = Entry(
                f"base:{base.maker.digest}", "base", base.event, base.maker.at, base.maker.arrived, base.maker.offset, 0,
                base.maker.source, base.count, None, None, None, base.content, base.lodged_at, True, base.number,
            )  # fmt: skip
            kept = [entry for entry in life.entries if entry.digest not in gone and entry.kind != "base"]
            self._forget(life, [entry for entry in life.entries if entry.digest in gone or entry.kind == "base"])
            life.entries = [made, *kept]
        events = [entry for entry in life.entries if not entry.makes and entry.deadline is None]
        if len(events) > _MAX_EVENTS and versions:
            useful = {entry.digest for entry in versions[-1].members}
            events.sort(key=lambda e: (e.digest in useful, STEPS.index(e.event), e.position))
            spare = events[: len(events) - _MAX_EVENTS // 2]
            gone = {entry.digest for entry in spare}
            life.entries = [entry for entry in life.entries if entry.digest not in gone]
            self._forget(life, spare)

    def _forget(self, life: Life, entries: Sequence[Entry]) -> None:
        life.seen = [*life.seen, *(entry.digest for entry in entries if entry.kind != "base")][-_MAX_SEEN:]


def _refused(entry: Entry, error: RecordError, raw: bytes, form: str | None) -> Refused:
    return Refused(entry.source.get("origin") or f"offset {entry.offset}", entry.part, error, raw, form)
