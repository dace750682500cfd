"""XML from strangers, hardened: no document type, no entities, no network, bounded depth and size.

What is left of a message is a tree of :class:`Node`, matched by local name: customs systems send the same message with
and without namespaces. Comments and processing instructions are gone.
"""

from __future__ import annotations

import codecs
import re
from typing import Any, Final, cast

from lxml import etree

from schemas.decode import MAX_RECORD_BYTES
from schemas.errors import FeedError

#: Elements plus attributes of one message: a declaration of 9,999 items has about a million; the tree of two million
#: takes some 300 MB.
MAX_MARKUP = 2_000_000

#: An encoding outside this list could hide markup from the checks below (UTF-7, EBCDIC).
_CODE_PAGES = re.compile(rb"(?i)(utf-?8|us-ascii|ascii|iso-8859-\d{1,2}|windows-125\d|koi8-r|utf-?16)\Z")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PROLOG = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*)*", re.DOTALL)
_XML_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml\s[^>]{0,200}?\bencoding\s*=\s*[\"']([^\"']{1,40})[\"']")
_ROOT = re.compile(rb"<(?:[\w.-]+:)?([\w.-]+)")
_PLACEHOLDER = re.compile(r"(?:\{\{|\$\{|#\{)[^{}]{0,200}\}{1,2}")
#: How a placeholder begins, in any of the code pages above.
_HOLES = (b"{{", b"${", b"#{")


def hardened(without_blanks: bool = False) -> etree.XMLParser:
    """Return a parser for XML from strangers: nothing is fetched, filled in or repaired."""
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,  # also keeps libxml2's own limits: 256 deep, 10 MB a text
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=without_blanks,
        recover=False,
    )


#: Blanks between elements say nothing; without them there is less to build and to walk.
_PARSER = hardened(without_blanks=True)


#: Local names by tag, kept: messages of a format have the same few hundred tags over and over. A plain dict: the subscript of a
#: subclass with ``__missing__`` takes several times as many instructions.
_LOCAL_NAMES: Final[dict[str, str]] = {}
_MOST_NAMES: Final = 10_000
_LONGEST_NAME: Final = 200


def _local(tag: str) -> str:
    """Return a local name that is not kept yet, and keep it."""
    name = tag.rpartition("}")[2]
    if len(tag) <= _LONGEST_NAME and len(_LOCAL_NAMES) < _MOST_NAMES:
        _LOCAL_NAMES[tag] = name
    return name


class Node:
    """An element: its text, attributes and children by local name.

    Most elements of a message are leaves that are read once, so a child becomes a node only where somebody asks for it, and
    :meth:`text`, :meth:`texts` and :meth:`measured` read leaves without one.
    """

    __slots__ = ("_element", "_named")

    def __init__(self, element: etree._Element) -> None:
        self._element = element
        #: Children by local name: one, or a list of several; elements, or nodes once they were asked for.
        self._named: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """The local name."""
        return _local(self._element.tag)

    def _index(self) -> dict[str, Any]:
        named: dict[str, Any] = {}
        for child in self._element[:]:  # type: ignore[index]  # the stubs know no slices, which are quicker than iteration
            try:
                name = _LOCAL_NAMES[child.tag]
            except KeyError:
                name = _local(child.tag)
            if name not in named:
                named[name] = child
            elif type(named[name]) is list:
                named[name].append(child)
            else:
                named[name] = [named[name], child]
        self._named = named
        return named

    def all(self, name: str) -> list[Node]:
        """Return the children of that local name, in order."""
        named = self._named
        if named is None:
            named = self._index()
        if name not in named:
            return []
        found = named[name]
        if type(found) is list:
            if type(found[0]) is not Node:
                found[:] = map(Node, found)
            nodes: list[Node] = found
            return nodes
        if type(found) is not Node:
            found = named[name] = Node(found)
        return [found]

    def one(self, name: str, *path: str) -> Node | None:
        """Return the first child of the first child... along the path, if there is one."""
        named = self._named
        if named is None:
            named = self._index()
        if name not in named:
            return None
        found = named[name]
        if type(found) is list:
            found = self.all(name)[0]
        elif type(found) is not Node:
            found = named[name] = Node(found)
        first: Node = found
        return first.one(*path) if path else first

    def _leaf(self, name: str) -> etree._Element | None:
        """Return the first child of that local name as lxml has it, without making a node of it."""
        named = self._named
        if named is None:
            named = self._index()
        if name not in named:
            return None
        found = named[name]
        if type(found) is list:
            found = found[0]
        leaf: etree._Element = found._element if type(found) is Node else found
        return leaf

    def text(self, name: str | None = None, *path: str) -> str | None:
        """Return the stripped text at the path, ``None`` for an absent or empty element."""
        if name is None:
            content = self._element.text
        elif path:
            found = self._leaf(name)
            if found is None:
                return None
            if len(path) > 1:
                return cast(Node, self.one(name)).text(*path)
            for child in found[:]:  # type: ignore[index]
                if _local(child.tag) == path[0]:
                    content = child.text
                    break
            else:
                return None
        else:
            found = self._leaf(name)
            if found is None:
                return None
            content = found.text
        return (content.strip() or None) if content else None

    def texts(self) -> dict[str, str | None]:
        """Return the stripped text of the first child of each local name: the quick way to read a group of plain values."""
        found: dict[str, str | None] = {}
        for child in self._element[:]:  # type: ignore[index]
            try:
                name = _LOCAL_NAMES[child.tag]
            except KeyError:
                name = _local(child.tag)
            if name not in found:
                content = child.text
                found[name] = (content.strip() or None) if content else None
        return found

    def measured(self, unit: str, name: str | None = None) -> tuple[str | None, str | None]:
        """Return the stripped text and the attribute ``unit`` of the first child of that name, or of the element itself."""
        found = self._element if name is None else self._leaf(name)
        content = None if found is None else found.text
        if found is None or not content:
            return None, None
        stated = found.get(unit)
        return content.strip() or None, (str(stated).strip() or None) if stated else None

    def attribute(self, name: str) -> str | None:
        """Return an attribute's stripped value, ``None`` if absent or empty."""
        value = self._element.get(name)
        return (str(value).strip() or None) if value else None

    @property
    def line(self) -> int:
        """The line of the message on which the element begins."""
        return cast(int, self._element.sourceline)

    @property
    def xpath(self) -> str:
        """The element's place, by local names, with a position where siblings share the name."""
        steps = []
        here: etree._Element | None = self._element
        while here is not None:
            above = here.getparent()
            name = _local(here.tag)
            same = [] if above is None else [sibling for sibling in above if _local(sibling.tag) == name]
            steps.append(f"{name}[{same.index(here) + 1}]" if len(same) > 1 else name)
            here = above
        return "/" + "/".join(reversed(steps))

    def wrong(self, reason: str) -> FeedError:
        """Return a located error about this element; what it quotes is cut, for a text may be megabytes long."""
        return FeedError(f"{shortened(reason)} (line {self.line})", shortened(self.xpath))


def shortened(text: str, most: int = 1000) -> str:
    """Return a text of at most so many characters, as a dead letter, an answer or a table can carry it."""
    return text if len(text) <= most else text[: most - 3] + "..."


def root_name(raw: bytes) -> str | None:
    """Return the local name of the root element as far as the first bytes show it; ``None`` if this is not XML.

    Raises
    ------
    FeedError : a DOCTYPE stands before the root.
    """
    if b"\0" in raw[:4] and not raw.startswith(_UTF16):
        return None
    raw = _transcoded(raw, len(raw) & ~1)
    after = _after_prolog(raw)
    named = _ROOT.match(raw, after)
    return named[1].decode("ascii", "replace") if named else None


def first_root(raw: bytes) -> str | None:
    """Return :func:`root_name` of the first 64 KiB, ``None`` also for a DOCTYPE. Never raises: a sniff must not."""
    try:
        return root_name(raw[:65_536])
    except FeedError:
        return None


def looks_like(raw: bytes, *roots: str) -> bool:
    """Say whether this is XML with one of these root elements. Never raises."""
    return first_root(raw) in roots


def parse(raw: bytes) -> Node:
    """Parse one message.

    Raises
    ------
    FeedError : malformed, too large, too deep, in an unknown or wrong code page, or with a DOCTYPE; or a template with
        placeholders that nobody filled in.
    """
    if len(raw) > MAX_RECORD_BYTES:
        raise FeedError(f"message of {len(raw):,} bytes is larger than {MAX_RECORD_BYTES:,}")
    raw = _transcoded(raw, len(raw))
    _after_prolog(raw)
    _check_code_page(raw)
    if len(raw) > 2 * MAX_MARKUP and raw.count(b"<") + raw.count(b"=") > 2 * MAX_MARKUP:
        raise FeedError(f"more than {MAX_MARKUP:,} elements and attributes")
    try:
        root = etree.fromstring(raw, _PARSER)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise FeedError(f"not well-formed XML: {_plain(error.msg)}", f"line {line}, column {column}") from None
    if cast(etree.DocInfo, root.getroottree().docinfo).internalDTD is not None:
        raise _doctype(raw, 0)
    if b"{" in raw and any(hole in raw for hole in _HOLES):
        _check_filled(root)
    return Node(root)


def _plain(message: str | None) -> str:
    """Cut libxml2's own position off: the path says it."""
    return shortened(re.sub(r"(, line \d+, column \d+)\s*$", "", " ".join((message or "").split()))) or "no content"


def _after_prolog(raw: bytes) -> int:
    """Return where the root element should begin; refuse a document type there."""
    found = _PROLOG.match(raw)
    end = found.end() if found else 0
    if raw[end : end + 2] == b"<!":
        raise _doctype(raw, end)
    return end


def _doctype(raw: bytes, at: int) -> FeedError:
    line = raw.count(b"\n", 0, at) + 1
    return FeedError("a document type (DOCTYPE) is not accepted: customs messages have none", f"line {line}")


def _transcoded(raw: bytes, whole: int) -> bytes:
    """Return UTF-16 as UTF-8 without its now untrue declaration; other bytes as they are."""
    if not raw.startswith(_UTF16):
        if b"\0" in raw[:4]:
            raise FeedError("a zero byte at the start: UTF-16 and UTF-32 need a byte order mark", "line 1")
        return raw
    try:
        text = raw[:whole].decode("utf-16")
    except UnicodeDecodeError as error:
        raise FeedError(f"not UTF-16: {error.reason} at byte {error.start:,}", "line 1") from None
    return re.sub(r"\A\s*<\?xml[^>]{0,300}\?>", "", text).encode()


def _check_code_page(raw: bytes) -> None:
    """Refuse code pages we would not see through, and bytes that are not in the one declared."""
    declared = _XML_DECLARATION.match(raw)
    page = declared[1] if declared else b"utf-8"
    if not _CODE_PAGES.match(page):
        shown = page.decode("ascii", "replace")
        raise FeedError(f"the code page {shown!r} is not accepted; send UTF-8", "line 1")
    if page.lower() in (b"utf-8", b"utf8") and not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            column = error.start - raw.rfind(b"\n", 0, error.start)
            raise FeedError(
                f"byte 0x{raw[error.start]:02x} is not UTF-8, which the message says it is (or says nothing else)",
                f"line {line}, column {column}",
            ) from None


def _check_filled(root: etree._Element) -> None:
    """Refuse a template: ``{{LRN}}`` or ``${lrn}`` where a value should stand."""
    for element in root.iter():
        for value in (element.text or "", *map(str, element.attrib.values())):
            if "{" in value and (hole := _PLACEHOLDER.search(value)):
                raise Node(element).wrong(f"a template whose placeholder {hole[0]} was not filled in")
