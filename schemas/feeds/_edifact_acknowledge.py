"""Answers to an interchange, on request: CONTRL (ISO 9735-4) about its syntax, APERAK (D.96B) about what was made of it.

CONTRL is the message D.3 for syntax versions 1 to 3 and 4.1 for version 4. UCI answers for the interchange, UCM for a
message, UCS and UCD say which segment and element are wrong; 0083 is 7 (acknowledged) or 4 (this level and all below
rejected), 0085 the error. Sources: UN/EDIFACT service code list and CONTRL D.3 of the Joint Syntax Working Group
(gefeg.com/jswg), segments UCI and UCM as edifactory.de prints ISO 9735, APERAK D.96B of UNECE (BGM, DTM, group 1 RFF,
group 3 ERC, FTX).
"""

from __future__ import annotations

import re
import textwrap
from datetime import UTC, datetime
from typing import Final, Literal

from pydifact.control.characters import Characters
from pydifact.segments import Segment as Sent
from pydifact.serializer import Serializer

from schemas.errors import FeedError
from schemas.feeds._edifact_codes import CODE_PAGES, INVALID, MISSING, UNSPECIFIED
from schemas.feeds._edifact_syntax import Segment, SyntaxMistake, text_of

Element = str | list[str]
#: S009 of a message, and its segments between UNH and UNT.
_Answer = tuple[list[str], list[Sent]]

_REJECTED: Final = "4"
_ACKNOWLEDGED: Final = "7"
#: What a reference may be made of: 0020 and 0062 take up to 14 characters.
_REFERENCE: Final = re.compile(r"[A-Za-z0-9]{1,14}\Z")
_MESSAGE: Final = re.compile(r"message ([0-9]+)(?:, |\Z)")
_PLACE: Final = re.compile(
    r"segment ([0-9]+)(?: \(([A-Z]{3})\))?(?:, element ([0-9]+))?(?:, component ([0-9]+))?(?: of the file)?\Z"
)
_SERVICE_SEGMENTS: Final = frozenset({"UNA", "UNB", "UNZ"})
#: Level A knows capital letters, digits and these; level B small letters and a few more.
_LEVEL_A: Final = re.compile(r"[^A-Z0-9 .,()/=\-]")
#: 1001: acknowledgement message, application error message.
_ACKNOWLEDGEMENT: Final = "312"
_ERROR: Final = "313"
#: FTX, 4440 in D.96B: five times 70 characters.
_FREE_TEXT: Final = 70


class _Subject:
    """The interchange that is answered, read as far as it can be read: it may be broken."""

    def __init__(self, raw: bytes) -> None:
        text, self.service = text_of(raw, "replace")
        self.header: Segment | None = None
        self.messages: list[Segment] = []
        self.documents: list[str | None] = []
        for sent in text.split(self.service.terminator):
            tag = sent.lstrip()[:3].upper()
            if tag in ("UNB", "UNH", "BGM"):
                self._hear(tag, Segment(sent.strip(), self.service, 0, 0))
        if self.header is None or self.header.get(2) is None or self.header.get(3) is None:
            raise SyntaxMistake("cannot be answered: UNB does not say who sent it to whom", "segment 1 (UNB)", MISSING)

    def _hear(self, tag: str, segment: Segment) -> None:
        if tag == "UNB" and self.header is None:
            self.header = segment
        elif tag == "UNH":
            self.messages.append(segment)
            self.documents.append(None)
        elif tag == "BGM" and self.documents and self.documents[-1] is None:
            self.documents[-1] = segment.get(2)


def acknowledge(
    raw: bytes, error: FeedError | None, kind: Literal["CONTRL", "APERAK"], at: datetime, reference: str
) -> bytes:
    """Return an interchange that answers one that was received, from its recipient back to its sender.

    Parameters
    ----------
    raw : the interchange that is answered.
    error : why it was refused, as the codec ``edifact`` raised it; None: it was taken. The whole interchange is answered for: one
        wrong message refuses it all.
    kind : CONTRL speaks of the syntax; APERAK of each message, by the document number of its BGM.
    at : when the answer is made.
    reference : its interchange control reference, 1 to 14 letters and digits that the caller uses once.

    Raises
    ------
    FeedError : the interchange is so broken that it cannot be seen who sent it.
    ValueError : the reference is none.
    """
    if not _REFERENCE.match(reference):
        raise ValueError(f"a control reference has 1 to 14 letters and digits, not {reference!r}")
    subject = _Subject(raw)
    header = subject.header
    assert header is not None
    name, version = (header.get(1) or "UNOA").upper(), header.get(1, 2) or "3"
    name = name if name in CODE_PAGES else "UNOA"
    version = version if version in ("1", "2", "3", "4") else "3"
    at = at.astimezone(UTC)
    day = f"{at:%Y%m%d}" if version == "4" else f"{at:%y%m%d}"
    contrl = kind == "CONTRL"
    messages = _contrl(subject, error, version, name) if contrl else _aperak(subject, error, at, reference, name)
    sender, recipient = _carried(header.composite(3), name), _carried(header.composite(2), name)
    segments = [Sent("UNB", [name, version], sender, recipient, [day, f"{at:%H%M}"], reference)]
    for number, (identity, body) in enumerate(messages, 1):
        segments.append(Sent("UNH", str(number), identity))
        segments += body
        segments.append(Sent("UNT", str(len(body) + 2), str(number)))
    segments.append(Sent("UNZ", str(len(messages)), reference))
    sent = Serializer(Characters.from_str("UNA:+.? '")).serialize(segments, with_una_header=True)
    return sent.encode(CODE_PAGES[name], "strict")


def _safe(text: str, name: str) -> str:
    """Return a text in the repertoire of the answer; what is not in it becomes a blank."""
    text = " ".join(text.split())
    if name == "UNOA":
        return _LEVEL_A.sub(" ", text.upper())
    return "".join(c if _fits(c, CODE_PAGES[name]) else " " for c in text)


def _fits(character: str, page: str) -> bool:
    try:
        character.encode(page)
    except UnicodeEncodeError:
        return False
    return character.isprintable()


def _carried(elements: list[str], name: str) -> Element:
    """Return a composite of the subject for the answer; one component stands alone."""
    safe = [_same(part, name) for part in elements]
    return safe if len(safe) > 1 else safe[0] if safe else ""


def _same(text: str, name: str) -> str:
    """Return what is copied from the subject as it was, but for what its repertoire does not have."""
    return "".join(c if _fits(c, CODE_PAGES[name]) else " " for c in text)


def _code(error: FeedError) -> str:
    """Return data element 0085; an error that went through a dead letter has lost it: an element is invalid, else unspecified."""
    if isinstance(error, SyntaxMistake):
        return error.code
    return INVALID if ", element " in error.path else UNSPECIFIED


def _sent(tag: str, *elements: Element) -> Sent:
    """Return a segment without empty elements at its end."""
    kept = list(elements)
    while kept and not kept[-1]:
        kept.pop()
    return Sent(tag, *kept)


def _contrl(subject: _Subject, error: FeedError | None, version: str, name: str) -> list[_Answer]:
    header = subject.header
    assert header is not None
    about: list[Element] = [
        _same(header.get(5) or "", name),
        _carried(header.composite(2), name),
        _carried(header.composite(3), name),
    ]
    identity = ["CONTRL", "4", "1", "UN"] if version == "4" else ["CONTRL", "D", "3", "UN"]
    if error is None:
        return [(identity, [_sent("UCI", *about, _ACKNOWLEDGED)])]
    code = _code(error)
    message, segment, tag, element = _placed(error.path)
    if message is None or message > len(subject.messages):
        known = tag if tag in _SERVICE_SEGMENTS else ""
        return [(identity, [_sent("UCI", *about, _REJECTED, code, known, element if known else "")])]
    head = subject.messages[message - 1]
    named: list[Element] = [_same(head.get(1) or "", name), _carried(head.composite(2), name)]
    body = [_sent("UCI", *about, _REJECTED)]
    if segment is None or tag in ("UNH", "UNT"):
        body.append(_sent("UCM", *named, _REJECTED, code, tag, element))
    else:
        body += [_sent("UCM", *named, _REJECTED), _sent("UCS", str(segment), "" if element else code)]
        if element:
            body.append(_sent("UCD", code, element))
    return [(identity, body)]


def _placed(path: str) -> tuple[int | None, int | None, str, list[str]]:
    """Return message, segment, tag and S011 of an error's path; S011 counts the tag as the first element."""
    named = _MESSAGE.match(path)
    found = _PLACE.match(path[named.end() :] if named else path)
    message = int(named[1]) if named else None
    if found is None:
        return message, None, "", []
    element = [str(int(found[3]) + 1), *([found[4]] if found[4] else [])] if found[3] else []
    return message, int(found[1]), found[2] or "", element


def _aperak(subject: _Subject, error: FeedError | None, at: datetime, reference: str, name: str) -> list[_Answer]:
    header = subject.header
    assert header is not None
    about = [document or head.get(1) for head, document in zip(subject.messages, subject.documents, strict=True)]
    wrong = _placed(error.path)[0] if error is not None else None
    answers: list[_Answer] = []
    for number, document in enumerate(about or [header.get(5)], 1):
        body = [
            _sent("BGM", _ERROR if error else _ACKNOWLEDGEMENT, f"{reference}-{number}", "9", "RE" if error else "AP"),
            _sent("DTM", ["137", f"{at:%Y%m%d%H%M}", "203"]),
            _sent("RFF", ["ACW", _same(document or "", name)[:35]]),
        ]
        if error is not None:
            own = wrong is None or wrong == number
            said = str(error) if own else f"refused with the whole interchange, for message {wrong} of it"
            lines = textwrap.wrap(_safe(said, name), _FREE_TEXT)[:5]
            body += [_sent("ERC", [_code(error) if own else UNSPECIFIED, "ZZZ"]), _sent("FTX", "AAO", "", "", lines)]
        answers.append((["APERAK", "D", "96B", "UN"], body))
    return answers
