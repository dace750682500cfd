"""UN/EDIFACT interchanges (ISO 9735, syntax versions 1 to 4): service characters, code pages, segments, control counts.

Bytes become text, text segments, segments messages; what a segment means is not known here. Segments are cut with ``str.split``
and not with pydifact's tokenizer, which walks character by character: it takes 0.8 ms for half a kilobyte, more than a whole
message may cost, and it takes ``'UNA`` anywhere in a text for new service characters. ``tests/unit/test_feeds_edifact.py`` holds
both against each other.

A place is ``message 2, segment 17 (MEA), element 3, component 1``: messages in order, segments from UNH = 1, elements without
the tag. Segments without a message before them count from UNB = 1.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from schemas.decode import MAX_RECORD_BYTES
from schemas.errors import FeedError
from schemas.feeds._edifact_codes import (
    CODE_PAGES,
    COUNT_DIFFERS,
    INVALID,
    INVALID_CHARACTER,
    INVALID_SERVICE_CHARACTER,
    MISSING,
    OUT_OF_PLACE,
    REFERENCES_DIFFER,
    UNSPECIFIED,
    UNSUPPORTED_SYNTAX,
)
from schemas.feeds._xml import shortened

#: Of a file, which may hold many messages; and of one message: 9,999 items with forty segments each.
MAX_SEGMENTS: Final = 1_000_000
MAX_MESSAGE_SEGMENTS: Final = 400_000
#: The longest segment of the directories, FTX with five times 512 characters, is far shorter.
MAX_SEGMENT_CHARACTERS: Final = 65_536

_UTF8_BOM: Final = codecs.BOM_UTF8
_UTF16_BOMS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_START: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,4096}(?:UNA(.{6})\s{0,4096})?(UN[BH])", re.DOTALL)
_CONTROL: Final = frozenset({"UNA", "UNB", "UNG", "UNH", "UNS", "UNT", "UNE", "UNZ"})
_TAG: Final = re.compile(r"[A-Z]{3}\Z")
#: Unicode noncharacters stand for released characters while the text is cut; no message may carry them.
_HELD: Final = "\ufdd0\ufdd1\ufdd2\ufdd3"


class SyntaxMistake(FeedError):
    """A mistake in an interchange, with the code of data element 0085 that an answer to the sender names."""

    def __init__(self, reason: str, path: str, code: str = INVALID) -> None:
        super().__init__(shortened(reason), path)  # references that it quotes are as long as their segment
        self.code = code


@dataclass(frozen=True, slots=True)
class Service:
    """The service characters in use, and what stands for a released one (None: nothing is released)."""

    component: str = ":"
    element: str = "+"
    decimal: str = "."
    release: str = "?"
    terminator: str = "'"
    restored: dict[int, str] | None = None
    page: str = "ascii"

    def advice(self) -> str:
        """Return UNA."""
        return f"UNA{self.component}{self.element}{self.decimal}{self.release} {self.terminator}"

    def sent(self, text: str) -> str:
        """Return the text of a segment as it was sent, released characters and all, with its terminator."""
        held = {} if self.restored is None else {place: self.release + char for place, char in self.restored.items()}
        return text.translate(held) + self.terminator


class Segment:
    """One segment: its elements and their components by number, from 1."""

    __slots__ = ("_elements", "_service", "message", "position", "tag")

    def __init__(self, text: str, service: Service, position: int, message: int) -> None:
        elements: list[str | list[str]] = [*text.split(service.element)]
        self.tag = text[:3].upper()
        self.position = position
        self.message = message
        self._elements = elements
        self._service = service

    def get(self, element: int, component: int = 1) -> str | None:
        """Return a component without blanks around it, ``None`` for one that is left out or empty."""
        try:
            parts = self._elements[element]
            if type(parts) is str:
                if not parts:
                    return None
                parts = self._elements[element] = parts.split(self._service.component)
            text = parts[component - 1].strip()
        except IndexError:
            return None
        if not text.isascii() and self._service.restored is not None:
            text = text.translate(self._service.restored)
        return text or None

    def all(self, element: int) -> list[str]:
        """Return every component of an element that is not empty."""
        return [part for part in self.composite(element) if part]

    def composite(self, element: int) -> list[str]:
        """Return an element's components, empty ones included, but for those at the end."""
        found = [self.get(element, number) or "" for number in range(1, len(self._parts(element)) + 1)]
        while found and not found[-1]:
            found.pop()
        return found

    def prose(self, element: int) -> str:
        """Return a text in several components: cut wherever one was full (C108: 70 characters, later 512), else at a blank."""
        parts = self._parts(element)
        if len(parts) > 1 and all(len(part) in (70, 512) for part in parts[:-1]):
            return "".join(parts).strip().translate(self._service.restored or {})
        return " ".join(self.all(element))

    def _parts(self, element: int) -> list[str]:
        if element >= len(self._elements):
            return []
        parts = self._elements[element]
        return parts.split(self._service.component) if isinstance(parts, str) else parts

    def sent(self, element: int) -> str:
        """Return a whole element as it stands, cut at nothing."""
        parts = self._elements[element] if element < len(self._elements) else ""
        return parts if isinstance(parts, str) else self._service.component.join(parts)

    def path(self, element: int = 0, component: int = 0) -> str:
        """Say where this is."""
        place = f"segment {self.position} ({self.tag[:8]})"
        if self.message:
            place = f"message {self.message}, {place}"
        if element:
            place += f", element {element}"
        return f"{place}, component {component}" if component else place

    def wrong(self, reason: str, element: int = 0, component: int = 0, code: str = INVALID) -> SyntaxMistake:
        """Return a located error about this segment."""
        return SyntaxMistake(reason, self.path(element, component), code)


@dataclass(slots=True)
class Interchange:
    """UNB, whose text is ``text``, to UNZ."""

    header: Segment
    text: str
    messages: list[Transmission] = field(default_factory=list)
    groups: int = 0
    trailer: Segment | None = None


@dataclass(slots=True)
class Transmission:
    """One message as it was sent, UNH to UNT, not looked into yet.

    Attributes
    ----------
    number : its place in the interchange, from 1; the first after the interchange before it, where a file holds several.
    mistake : what is wrong with its trailer, if anything.
    """

    number: int
    texts: list[str]
    service: Service
    mistake: SyntaxMistake | None = None

    def segment(self, index: int) -> Segment:
        """Return one of its segments, from 0."""
        return Segment(self.texts[index], self.service, index + 1, self.number)

    def segments(self) -> Iterator[Segment]:
        """Yield its segments between UNH and UNT."""
        for index in range(1, len(self.texts) - 1):
            yield Segment(self.texts[index], self.service, index + 1, self.number)

    def alone(self, interchange: Interchange) -> bytes:
        """Return the message in an interchange of its own, which has the header of the one it came in."""
        service = self.service
        reference = service.sent(interchange.header.sent(5))[:-1]
        parts = [service.advice(), service.sent(interchange.text), *map(service.sent, self.texts)]
        return "".join([*parts, f"UNZ{service.element}1{service.element}{reference}", service.terminator]).encode(
            service.page
        )


def looks_like(raw: bytes) -> bool:
    """Say whether an interchange begins here; never raises."""
    raw = raw[:8192]
    if raw.startswith(_UTF16_BOMS):
        raw = raw[: len(raw) & ~1].decode("utf-16", "replace").encode("utf-8", "replace")
    found = _START.match(raw)
    return found is not None and not raw[found.end() : found.end() + 1].isalnum()


def text_of(raw: bytes, errors: str = "strict") -> tuple[str, Service]:
    """Return the text of an interchange behind UNA, and its service characters; :class:`SyntaxMistake` if it has none."""
    if len(raw) > MAX_RECORD_BYTES:
        raise SyntaxMistake(f"message of {len(raw):,} bytes is larger than {MAX_RECORD_BYTES:,}", "", UNSPECIFIED)
    unicode = raw.startswith(_UTF8_BOM)
    if raw.startswith(_UTF16_BOMS):
        try:
            raw, unicode = raw.decode("utf-16").encode(), True
        except UnicodeError as error:
            raise SyntaxMistake(f"not UTF-16: {error}", "segment 1", INVALID_CHARACTER) from None
    found = _START.match(raw)
    if found is None:
        raise SyntaxMistake("no UN/EDIFACT interchange: neither UNA nor UNB stands at the start", "segment 1", MISSING)
    service = _service(found[1])
    start = found.start(2)
    if found[2] == b"UNH":
        raise SyntaxMistake("UNB, the interchange header, is missing before UNH", "segment 1 (UNB)", MISSING)
    page = "utf-8" if unicode else _code_page(raw[start : start + 16], service)
    try:
        text = raw[start:].decode(page, errors)
    except UnicodeDecodeError as error:
        here = start + error.start
        number = raw.count(service.terminator.encode(), start, here) + 1
        name = raw[start + 4 : start + 8].decode("ascii", "replace")
        reason = f"byte 0x{raw[here]:02x} at offset {here:,} is not in the repertoire {name} ({page}) that UNB states"
        raise SyntaxMistake(reason, f"segment {number} of the file", INVALID_CHARACTER) from None
    mark = "utf-8-sig" if unicode else page
    return _released(text, service, mark)


def _service(stated: bytes | None) -> Service:
    if stated is None:
        return Service()
    characters = stated.decode("latin-1")
    component, element, decimal, release, _, terminator = tuple(characters)
    used = [component, element, terminator, *([] if release == " " else [release])]
    if len(set(used)) < len(used) or any(c.isalnum() or c.isspace() or not c.isascii() for c in used):
        raise SyntaxMistake(
            f"UNA states service characters that cannot be told apart: {characters!r}", "segment 1 (UNA)", "20"
        )
    return Service(component, element, decimal, release, terminator)


def _code_page(start: bytes, service: Service) -> str:
    element = service.element.encode()
    if start[3:4] != element:
        reason = f"UNB is not followed by the separator {service.element!r}; UNA is missing, or states another one"
        raise SyntaxMistake(reason, "segment 1 (UNB)", INVALID_SERVICE_CHARACTER)
    name = start[4:8].decode("ascii", "replace").upper()
    if name not in CODE_PAGES:
        raise SyntaxMistake(
            f"the syntax identifier {name!r} is not known", "segment 1 (UNB), element 1", UNSUPPORTED_SYNTAX
        )
    return CODE_PAGES[name]


def _released(text: str, service: Service, page: str) -> tuple[str, Service]:
    """Take released characters out of the way of the separators."""
    mark = service.release
    if mark == " " or mark not in text:
        return text, replace(service, page=page)
    if any(held in text for held in _HELD):
        raise SyntaxMistake("a Unicode noncharacter stands in the text", "segment 1 (UNB)", INVALID_CHARACTER)
    special = (mark, service.component, service.element, service.terminator)
    held = dict(zip(special, _HELD, strict=True))
    for character, place in held.items():  # the mark itself first: "??+" is a mark and a separator
        text = text.replace(mark + character, place)
    text = text.replace(mark, "")  # released for nothing
    restored = {ord(place): character for character, place in held.items()}
    return text, replace(service, restored=restored, page=page)


def read(raw: bytes) -> list[Interchange]:
    """Cut a file into interchanges and these into messages, and hold both against their control counts.

    Raises
    ------
    SyntaxMistake : it is no interchange, or truncated, or the counts or references of UNZ are not those of UNB. A message
        whose own trailer is wrong carries its mistake and does not cost the others.
    """
    text, service = text_of(raw)
    if text.count(service.terminator) > MAX_SEGMENTS:
        raise SyntaxMistake(f"more than {MAX_SEGMENTS:,} segments", "segment 1 (UNB)", UNSPECIFIED)
    texts = text.split(service.terminator)
    del text
    rest = texts.pop().strip()
    if rest:
        shown = rest if len(rest) <= 30 else rest[:27] + "..."
        reason = f"truncated: the last segment, {shown!r}, has no terminator {service.terminator!r}"
        raise SyntaxMistake(reason, f"segment {len(texts) + 1} ({rest[:3]})", MISSING)
    interchanges = _interchanges(texts, service)
    last = interchanges[-1] if interchanges else None
    if last is None or last.trailer is None:
        raise SyntaxMistake("truncated: UNZ, the interchange trailer, is missing", f"segment {len(texts)}", MISSING)
    return interchanges


def _interchanges(texts: list[str], service: Service) -> list[Interchange]:
    found: list[Interchange] = []
    here: Interchange | None = None
    opened: list[str] | None = None
    follows = ("", service.element, service.component)
    number = 0
    for position, sent in enumerate(texts, 1):
        text = sent.strip()
        tag = text[:3]
        if opened is not None and tag not in _CONTROL and tag.upper() not in _CONTROL and tag:
            if not (tag.isalpha() and tag.isascii()) or text[3:4] not in follows:
                reason = f"not a segment tag: {text[:12]!r}"
                raise SyntaxMistake(reason, f"message {number}, segment {len(opened) + 1}", INVALID)
            if len(text) > MAX_SEGMENT_CHARACTERS:
                raise _endless(text, service, position)
            opened.append(text)
            if len(opened) > MAX_MESSAGE_SEGMENTS:
                raise SyntaxMistake(
                    f"a message of more than {MAX_MESSAGE_SEGMENTS:,} segments", f"message {number}", UNSPECIFIED
                )
            continue
        if not text:
            continue
        if len(text) > MAX_SEGMENT_CHARACTERS:
            raise _endless(text, service, position)
        tag = tag.upper()
        if tag == "UNH" and here is not None and opened is None and here.trailer is None:
            opened, number = [text], number + 1
        elif tag == "UNT" and here is not None and opened is not None:
            opened.append(text)
            here.messages.append(_closed(number, opened, service))
            opened = None
        elif tag == "UNS" and opened is not None:
            opened.append(text)
        elif tag == "UNB" and opened is None and (here is None or here.trailer is not None):
            here = Interchange(Segment(text, service, position, 0), text)
            found.append(here)
        elif tag == "UNZ" and here is not None and opened is None and here.trailer is None:
            here.trailer = Segment(text, service, position, 0)
            _check_trailer(here)
        elif tag == "UNA" and opened is None and here is not None and here.trailer is not None:
            if not text.startswith(f"UNA{service.component}{service.element}"):
                raise SyntaxMistake(
                    "another interchange with other service characters", f"segment {position} (UNA)", "20"
                )
        elif tag in ("UNG", "UNE") and here is not None and opened is None:
            here.groups += tag == "UNG"
        else:
            name = tag if _TAG.match(tag) else repr(text[:12])
            where = "in a message" if opened is not None else "outside of a message"
            raise SyntaxMistake(f"{name} stands {where}, where it cannot", f"segment {position} ({tag})", OUT_OF_PLACE)
    if opened is not None:
        place = f"message {number}, segment {len(opened)}"
        raise SyntaxMistake("truncated: UNT, the message trailer, is missing", place, MISSING)
    return found


def _endless(text: str, service: Service, position: int) -> SyntaxMistake:
    reason = f"a segment of {len(text):,} characters; {service.terminator!r} is missing somewhere in it"
    return SyntaxMistake(reason, f"segment {position}", MISSING)


def _closed(number: int, texts: list[str], service: Service) -> Transmission:
    """Hold UNT against UNH (0074, 0062)."""
    message = Transmission(number, texts, service)
    head, trailer = message.segment(0), message.segment(len(texts) - 1)
    stated, counted = trailer.get(1), str(len(texts))
    if (stated or "").lstrip("0") != counted:
        reason = f"UNT counts {stated} segments, there are {counted}: segments were lost or added on the way"
        message.mistake = trailer.wrong(reason, 1, 0, COUNT_DIFFERS)
    elif trailer.get(2) != head.get(1):
        reason = f"UNT names the message {trailer.get(2)}, UNH {head.get(1)}"
        message.mistake = trailer.wrong(reason, 2, 0, REFERENCES_DIFFER)
    return message


def _check_trailer(interchange: Interchange) -> None:
    """Hold UNZ against UNB (0036, 0020)."""
    trailer, header = interchange.trailer, interchange.header
    assert trailer is not None
    counted = str(interchange.groups or len(interchange.messages))
    stated = trailer.get(1)
    if (stated or "").lstrip("0") not in (counted, "" if counted == "0" else counted):
        what = "groups" if interchange.groups else "messages"
        reason = f"UNZ counts {stated} {what}, there are {counted}: some were lost or added on the way"
        raise trailer.wrong(reason, 1, 0, COUNT_DIFFERS)
    if trailer.get(2) != header.get(5):
        reason = f"UNZ names the interchange {trailer.get(2)}, UNB {header.get(5)}"
        raise trailer.wrong(reason, 2, 0, REFERENCES_DIFFER)
