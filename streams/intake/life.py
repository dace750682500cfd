"""The life of one declaration: what was said of it, put in order, gives its versions.

A life keeps every message as an :class:`Entry` and works its versions out anew with each one that comes. So what a declaration
is does not depend on the order in which messages arrived, nor on how often, as far as the messages say their order themselves.

**Order.** Messages that make a version are lodgements, restatements, edits, and rejections that take an amendment back.

- The first lodgement is version 1. A later lodgement under the same id that says something else (the declarant tried again
  after a rejection) begins a new round: the next version, with a count of its own for versions that messages state.
- A stated version goes to its place in the count of its round, whatever else is said of time. Amendments that were taken
  back do not count, as they do not for customs.
- Amendments that state none take the next place in the order of time: the message's own (``at``), or for a message that
  says none (or only repeats when it arrived) the time of its raw record; of equal times the raw offset decides.
- An event belongs to the version that it states (where an amendment to that was taken back, to the newest such version that
  is not later than it); else to the one that made what it answers by reference; else to the newest
  version that is not later than it (by ``at`` if both say one, else by arrival). Of one version the furthest step counts, in
  the order of :data:`STEPS`, which is that of the correlate stage: an earlier step that comes late says nothing new.

**Waiting.** What cannot take its place yet waits: a stated version with a gap before it, unversioned amendments later than
that gap, an event of a version that nobody made, edits that do not fit what is there, a rejection of an unknown message.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from schemas.errors import RecordError
from schemas.message import Edit
from streams.intake import edits as editing
from streams.intake.edits import EditError
from streams.intake.entries import Entry, Life

#: As ``detectors.correlate`` orders the steps of one version; a test holds them together.
STEPS: Final = ("lodged", "amended", "accepted", "arrived", "controlled", "released", "exited", "rejected", "cancelled")
#: Parts of a declaration that are the intake's to give, or kept beside its content.
BESIDE: Final = ("schema", "event", "declaration_id", "version", "mrn", "source", "lodged_at")
_EDITS: Final = TypeAdapter(list[Edit])

Body = Callable[[str], bytes]


@dataclass(slots=True)
class Version:
    """A version: who made it, what it holds (the body of that digest, unless ``made`` has it), its furthest event."""

    number: int
    count: int
    maker: Entry
    round: int
    content: str
    made: bytes | None
    lodged_at: str | None
    event: str
    members: list[Entry]


@dataclass(slots=True)
class Folded:
    """The versions of a life, in order; why each waiting entry waits (by digest), and which can never take its place.

    ``new`` is what edits made of a version, to be kept in :attr:`Life.made` with the ``used`` ones of before.
    """

    versions: list[Version]
    waiting: dict[str, str]
    behind: dict[str, Entry]
    hopeless: dict[str, RecordError]
    mrn: str | None
    new: dict[str, tuple[str, bytes | None, str | None]]
    used: set[str]


def digest_of(*parts: bytes) -> str:
    """Return a digest of byte strings, 16 bytes in hexadecimal."""
    made = hashlib.blake2b(digest_size=16)
    for part in parts:
        made.update(len(part).to_bytes(8, "big"))
        made.update(part)
    return made.hexdigest()


def fold(life: Life, body: Body) -> Folded:
    """Work out the versions of a life from its entries."""
    made = _Folding(life, body)
    for number, entries in enumerate(_rounds(life)):
        made.round(number, entries)
    return Folded(made.versions, made.waiting, made.behind, made.hopeless, made.mrn(), made.new, made.used)


def _root(entry: Entry) -> bool:
    return entry.kind == "base" or (entry.kind == "whole" and entry.event == "lodged" and entry.version in (None, 1))


def _rounds(life: Life) -> list[list[Entry]]:
    """Cut a life into rounds, each beginning with a lodgement (or what stands for one)."""
    roots = sorted((entry for entry in life.entries if _root(entry)), key=lambda e: (e.kind != "base", e.position))
    if not roots:
        stands = [entry for entry in life.entries if entry.kind == "whole" and entry.event != "amended"]
        roots = [min(stands, key=lambda e: e.position)] if stands else []
    if not roots:
        return []
    rounds = [[root] for root in roots]
    known = {root.digest for root in roots}
    for entry in sorted(life.entries, key=lambda e: e.position):
        if entry.digest not in known:
            place = max((n for n, root in enumerate(roots) if n == 0 or entry.after(root)), default=0)
            rounds[place].append(entry)
    return rounds


class _Folding:
    def __init__(self, life: Life, body: Body) -> None:
        self._life = life
        self._body = body
        self.versions: list[Version] = []
        self.waiting: dict[str, str] = {}
        self.behind: dict[str, Entry] = {}
        self.hopeless: dict[str, RecordError] = {}
        #: What edits were worked out anew, and which of those worked out before were used.
        self.new: dict[str, tuple[str, bytes | None, str | None]] = {}
        self.used: set[str] = set()

    def mrn(self) -> str | None:
        """Return the newest MRN of the last round, else the one known from messages that are no longer kept."""
        if not self.versions:
            return self._life.mrn
        last = self.versions[-1].round
        said = [entry for v in self.versions if v.round == last for entry in v.members if entry.mrn]
        return max(said, key=lambda e: e.position).mrn if said else self._life.mrn

    def round(self, number: int, entries: list[Entry]) -> None:
        """Add the versions of one round; its first entry is the root."""
        root, *rest = entries
        self._targets = {e.reference: e for e in rest if e.reference and (e.makes or e.event == "cancelled")}
        back = {e.digest: target for e in rest if (target := self._taken_back(e)) is not None}
        self._void = {target.digest for target in back.values()}
        first = len(self.versions)
        head = self.versions[-1].number if self.versions else 0
        begun = root.number if root.kind == "base" else head + 1
        self._add(root, number, begun, (root.version or 1) if root.kind == "base" else 1)
        wholes = {e.content for e in entries if e is root or (e.makes and e.event in ("lodged", "amended"))}
        stated: list[Entry] = []
        unstated: list[Entry] = []
        for entry in rest:
            if entry.digest in back:
                unstated.append(entry)
            elif entry.makes:
                if entry.event not in ("lodged", "amended") and entry.kind == "whole" and entry.content in wholes:
                    continue  # a later step that repeats the declaration makes no version: it is an event
                (stated if entry.version is not None and entry.version > 1 else unstated).append(entry)
                wholes.add(entry.content)
        stated.sort(key=lambda e: (e.version, e.position))
        self._sequence(number, stated, unstated, back)
        here = self.versions[first:]
        placed = {entry.digest for v in here for entry in v.members}
        for entry in rest:
            if entry.digest not in placed and entry.digest not in self.waiting and entry.digest not in self.hopeless:
                self._event(entry, here)
        for version in here:
            steps = [e.event for e in version.members if e.digest not in self._void or e is version.maker]
            version.event = max((_as_step(step) for step in steps), key=STEPS.index)

    def _taken_back(self, entry: Entry) -> Entry | None:
        """Return the amendment or cancellation that a rejection is about, if it is about one."""
        if entry.event != "rejected" or entry.makes:
            return None
        for name in (entry.reference, entry.local_reference):
            target = self._targets.get(name) if name and name != self._life.local_reference else None
            if target is not None and target is not entry:
                return target
        return None

    def _sequence(self, number: int, stated: list[Entry], unstated: list[Entry], back: dict[str, Entry]) -> None:
        """Put the makers of a round in order, as far as they can be."""
        while stated or unstated:
            head = self.versions[-1]
            due = stated[0] if stated else None
            if due is not None and due.version is not None and due.version <= head.count:
                self._replace(stated.pop(0))
                continue
            free = next((e for e in unstated if self._may(e, due, head, back)), None)
            if free is not None:
                unstated.remove(free)
                if free.digest in back:
                    self._restore(free, number, back[free.digest])
                else:
                    self._add(free, number, head.number + 1, head.count + (free.digest not in self._void))
            elif due is not None and due.version == head.count + 1:
                stated.pop(0)
                self._add(due, number, head.number + 1, head.count + (due.digest not in self._void))
            else:
                break
        missing = f"version {self.versions[-1].count + 1} of {self._life.declaration_id} is missing"
        for entry in stated:
            self.waiting[entry.digest] = missing
        for entry in unstated:
            self.waiting[entry.digest] = (
                missing if stated else f"message {entry.reference} is not applied, which this rejects"
            )
            if stated:
                self.behind[entry.digest] = stated[0]

    def _may(self, entry: Entry, due: Entry | None, head: Version, back: dict[str, Entry]) -> bool:
        """Tell whether an entry without a stated version can come next, before the next stated one."""
        if entry.digest in back:
            target = back[entry.digest]
            done = not target.makes or any(target in version.members for version in self.versions)
            return done and (due is None or not entry.after(due) or due.version != head.count + 1)
        if due is None:
            return True
        if entry.digest in self._void:
            return not entry.after(due)  # it was taken back later, and takes no stated version's place
        assert due.version is not None
        # A stated version that is next goes first; a gap before it is filled by what was said before it.
        return due.version > head.count + 1 and not (entry.at is not None and due.at is not None and entry.after(due))

    def _add(self, entry: Entry, number: int, version: int, count: int) -> None:
        before = self.versions[-1] if self.versions else None
        lodged_at = entry.lodged_at
        if before is not None and not entry.lodged_said:
            lodged_at = before.lodged_at
        if entry.kind == "edits":
            assert before is not None
            try:
                made = Version(version, count, entry, number, *self._edited(before, entry), "", [entry])
            except EditError as error:
                if error.final:
                    self.hopeless[entry.digest] = error
                else:
                    self.waiting[entry.digest] = str(error)
                return
        else:
            assert entry.content is not None
            made = Version(version, count, entry, number, entry.content, None, lodged_at, "", [entry])
        self.versions.append(made)

    def _replace(self, entry: Entry) -> None:
        """Let an entry state a version again that is there: the later content counts."""
        count = entry.version
        place = max(n for n, version in enumerate(self.versions) if version.count == count)
        version = self.versions[place]
        later = self.versions[place + 1 :]
        del self.versions[place:]
        self._add(entry, version.round, version.number, version.count)
        if len(self.versions) == place:  # it does not fit
            self.versions += [version, *later]
            return
        self.versions[place].members = [*version.members, entry]
        self.versions += later

    def _restore(self, entry: Entry, number: int, target: Entry) -> None:
        """Take an amendment back: the content is worked out again without it."""
        head = self.versions[-1]
        kept = [v for v in self.versions if v.round == number and v.maker is not target]
        standing = [
            v.maker for v in kept if v.maker.makes and (v.maker.digest not in self._void or v.maker is kept[0].maker)
        ]
        if not target.makes or not standing or not any(v.maker is target for v in self.versions):
            last = (head.content, head.made, head.lodged_at, head.maker.source)
        else:
            last = self._content(standing)
        maker = Entry(**{name: getattr(entry, name) for name in Entry.__slots__})
        maker.event, maker.source = "amended", last[3]
        self.versions.append(
            Version(head.number + 1, head.count, maker, number, last[0], last[1], last[2], "", [maker])
        )

    def _content(self, makers: Sequence[Entry]) -> tuple[str, bytes | None, str | None, dict[str, Any]]:
        """Return digest, bytes if made, time of lodgement and source of what these makers give, one after the other."""
        trial = _Folding(self._life, self._body)
        trial._void, trial.new, trial.used = set(), self.new, self.used
        for place, maker in enumerate(makers):
            trial._add(maker, 0, place + 1, place + 1)
        last = trial.versions[-1]
        return last.content, last.made, last.lodged_at, last.maker.source

    def _edited(self, before: Version, entry: Entry) -> tuple[str, bytes | None, str | None]:
        """Return digest, bytes (None if they are kept) and time of lodgement of what edits make of a version."""
        assert entry.content is not None
        step = digest_of(before.content.encode(), entry.content.encode(), (before.lodged_at or "").encode())
        if step in self.new:
            return self.new[step]
        if step in self._life.made:
            content, lodged_at = self._life.made[step]
            self.used.add(step)
            return content or "", None, lodged_at
        row = from_json(before.made if before.made is not None else self._body(before.content))
        full = _whole(row, self._life.declaration_id, before.lodged_at, entry.source)
        wanted = _EDITS.validate_python(from_json(self._body(entry.content)))
        changed = editing.apply(full, wanted)
        checked = editing.checked(full, changed, wanted).model_dump(mode="json", by_alias=True)
        made = to_json({name: part for name, part in checked.items() if name not in BESIDE})
        self.new[step] = (digest_of(made), made, checked["lodged_at"])
        return self.new[step]

    def _event(self, entry: Entry, here: Sequence[Version]) -> None:
        """Give an event to the version that it belongs to, or let it wait."""
        lrn = entry.local_reference
        if entry.version is not None:
            # An amendment that was taken back later was that version once.
            fit = [v for v in here if entry.version == v.count + (v.maker.makes and v.maker.digest in self._void)]
            if not fit and entry.version > here[-1].count:
                self.waiting[entry.digest] = f"version {here[-1].count + 1} of {self._life.declaration_id} is missing"
                return
            self._newest(entry, fit or here[:1]).members.append(entry)
            return
        about = next((self._targets[name] for name in (entry.reference, lrn) if name and name in self._targets), None)
        if about is not None and about is not entry and about.makes:
            fit = [version for version in here if version.maker is about]
            if fit:
                fit[0].members.append(entry)
                return
        known = self._life.local_reference
        if entry.event == "rejected" and lrn and known and lrn != known and not entry.makes:
            self.waiting[entry.digest] = (
                f"no message {lrn} about {self._life.declaration_id} is known, which this rejects"
            )
            return
        self._newest(entry, here).members.append(entry)

    def _newest(self, entry: Entry, among: Sequence[Version]) -> Version:
        """Return the newest of these versions that an event is not earlier than; the first if it is earlier than all."""
        chosen = among[0]
        for version in among:
            if entry.after(version.maker) or (entry.at is not None and entry.at == version.maker.at):
                chosen = version
        return chosen


def _as_step(event: str) -> str:
    return "lodged" if event == "base" else event


def _whole(row: dict[str, Any], declaration_id: str, lodged_at: str | None, source: dict[str, Any]) -> dict[str, Any]:
    """Return content as a declaration that the contract can judge."""
    beside = {
        "event": "amended",
        "declaration_id": declaration_id,
        "version": 1,
        "lodged_at": lodged_at,
        "source": source,
    }
    return beside | row
