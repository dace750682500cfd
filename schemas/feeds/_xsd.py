"""Optional validation of messages against the user's own schema files (``assay ingest --xsd DIR``).

A folder of schema files comes from a customs administration's specification, but it is still XML from strangers: it is read as
hardened as messages are, and a schema may include or import only what lies in the folder. While a schema is compiled, nothing
is opened but texts read before: no network, no entities, no files elsewhere.
"""

from __future__ import annotations

import copy
import re
from collections import defaultdict
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from lxml import etree

from schemas.decode import MAX_RECORD_BYTES
from schemas.errors import FeedError
from schemas.feeds._xml import Node, hardened, parse, root_name

MAX_FILES: Final = 5_000

_XS: Final = "{http://www.w3.org/2001/XMLSchema}"
_REFERENCES: Final = tuple(_XS + name for name in ("include", "import", "redefine", "override"))
#: How deep under wrappers the message may stand, and how many elements of a level are looked at.
_DEPTH: Final = 6
_LOOKED_AT: Final = 10_000
_MAX_SAID: Final = 300

#: Namespace and local name of an element.
_Name = tuple[str, str]


class _File(NamedTuple):
    """A schema file that could be read, by its place below the folder."""

    path: str
    root: etree._Element


def validator(folder: Path) -> Callable[[bytes], None]:
    """Return a function that checks a message against the schema in ``folder`` (and below) that declares its root element.

    A message in a wrapper is checked without it. Where several files declare the element (versions of one specification), a
    message need satisfy only one. Schemas are compiled when first needed, once.

    Raises
    ------
    FeedError : at once, if there is no schema file in the folder or there are more than :data:`MAX_FILES`. By the function: the
        message breaks its schema (reason with the line, XPath of the first mistake), no schema fits it, or the one that would is
        itself wrong or refers to what is not in the folder.
    """
    return _Folder(folder).check


class _Folder:
    """The schema files of a folder, by what they declare; those that cannot be read are wrong only for who needs them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._files: dict[str, _File | FeedError] = {}
        self._declared: defaultdict[_Name, list[str]] = defaultdict(list)
        self._of_namespace: defaultdict[str, list[str]] = defaultdict(list)
        self._compiled: dict[str, etree.XMLSchema | FeedError] = {}
        if not self._folder.is_dir():
            raise FeedError(f"{folder} is no folder of schema files")
        found = sorted(islice(self._folder.rglob("*.xsd"), MAX_FILES + 1))
        if len(found) > MAX_FILES:
            raise FeedError(f"more than {MAX_FILES:,} schema files in {folder}")
        for path in found:
            self._read(path)
        if not self._files:
            raise FeedError(f"no schema file (*.xsd) in {folder}")

    def _read(self, path: Path) -> None:
        name = path.relative_to(self._folder).as_posix()
        try:
            file = _File(name, _parsed(path, self._folder))
        except FeedError as error:
            self._files[name] = FeedError(f"the schema file {name} cannot be used: {error.reason}", error.path)
            return
        self._files[name] = file
        namespace = file.root.get("targetNamespace") or ""
        self._of_namespace[namespace].append(name)
        for element in file.root.iterchildren(_XS + "element"):
            if (declared := element.get("name")) is not None:
                self._declared[namespace, declared].append(name)

    def check(self, raw: bytes) -> None:
        """Check one message; see :func:`validator`."""
        root = parse(raw)._element
        for element in self._messages(root):
            wrong: FeedError | None = None
            for name in self._declared[_name(element)]:
                schema = self._schema(name)
                wrong = schema if isinstance(schema, FeedError) else _mistake(schema, element, name)
                if wrong is None:
                    break
            if wrong is not None:
                raise wrong

    def _messages(self, root: etree._Element) -> list[etree._Element]:
        """Return the outermost elements that a schema declares."""
        level = [root]
        for _ in range(_DEPTH):
            if found := [element for element in level if _name(element) in self._declared]:
                return found
            level = list(islice((child for element in level for child in element), _LOOKED_AT))
        namespace, local = _name(root)
        known = sorted({f"<{declared}> of {of or 'no namespace'}" for of, declared in self._declared})
        more = f" and {len(known) - 5} more" if len(known) > 5 else ""
        raise FeedError(
            f"no schema file in {self._folder.name} declares <{local}> of {namespace or 'no namespace'}; "
            f"declared there: {', '.join(known[:5]) or 'no element'}{more}",
            Node(root).xpath,
        )

    def _schema(self, name: str) -> etree.XMLSchema | FeedError:
        if name not in self._compiled:
            try:
                self._compiled[name] = _compile(name, self._closure(name))
            except FeedError as error:
                self._compiled[name] = error
        return self._compiled[name]

    def _closure(self, name: str) -> dict[str, bytes]:
        """Return a schema and all it refers to, as texts whose references are the addresses of each other."""
        texts: dict[str, bytes] = {}
        todo = [name]
        while todo:
            here = todo.pop()
            if here in texts:
                continue
            file = self._files[here]
            if isinstance(file, FeedError):
                raise file
            root = copy.deepcopy(file.root)
            for reference in root.iterchildren(*_REFERENCES):
                target = self._target(here, reference)
                if target is not None:
                    reference.set("schemaLocation", _address(target))
                    todo.append(target)
            texts[here] = etree.tostring(root)
        return texts

    def _target(self, here: str, reference: etree._Element) -> str | None:
        """Return the file that a reference means: the one at its place, else the only one of the imported namespace."""
        location = reference.get("schemaLocation")
        imported = reference.get("namespace") if reference.tag == _XS + "import" else None
        if location is not None and (beside := self._beside(here, location)) is not None:
            return beside
        of_namespace = self._of_namespace.get(imported, []) if imported is not None else []
        if len(of_namespace) == 1:
            return of_namespace[0]
        if location is None:
            return None  # Allowed for an import: the namespace may be known without a file, as XML's own is.
        raise FeedError(
            f"the schema file {here} refers to {_cut(location)}, which is not in the folder; "
            "put it there, since nothing is fetched",
            f"line {reference.sourceline}",
        )

    def _beside(self, here: str, location: str) -> str | None:
        """Return the file of the folder at a place relative to another, ``None`` if there is none."""
        try:
            parts = urlsplit(location.strip())
            if parts.scheme or parts.netloc or not parts.path:
                return None
            path = ((self._folder / here).parent / unquote(parts.path)).resolve()
        except (ValueError, OSError):
            return None
        name = path.relative_to(self._folder).as_posix() if path.is_relative_to(self._folder) else ""
        return name if name in self._files else None


def _parsed(path: Path, folder: Path) -> etree._Element:
    if not path.resolve().is_relative_to(folder):
        raise FeedError("it is a link out of the folder")
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_RECORD_BYTES + 1)
    except OSError as error:
        raise FeedError(f"it cannot be read ({error.strerror})") from None
    if len(raw) > MAX_RECORD_BYTES:
        raise FeedError(f"it is larger than {MAX_RECORD_BYTES:,} bytes")
    root_name(raw)  # Refuses a document type, before libxml2 sees it.
    try:
        root = etree.fromstring(raw, hardened())
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise FeedError("not well-formed XML", f"line {line}, column {column}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise FeedError("a document type (DOCTYPE) is not accepted in a schema file")
    if root.tag != _XS + "schema":
        raise FeedError("its root is not an XML Schema (xs:schema)", "line 1")
    return root


class _OnlyThese(etree.Resolver):
    """Answers for the texts read before, and for nothing else."""

    def __init__(self, texts: dict[str, bytes]) -> None:
        self._texts = {_address(name): text for name, text in texts.items()}

    def resolve(self, system_url: str, public_id: str, context: Any) -> Any:  # type: ignore[override]  # lxml-stubs lack context
        text = self._texts.get(system_url)
        if text is None:
            raise FeedError(f"a schema file refers to {_cut(str(system_url))}, which is not in the folder")
        return self.resolve_string(text, context, base_url=system_url)


def _address(name: str) -> str:
    return "assay-schema:///" + "".join(
        letter if letter.isalnum() and letter.isascii() else f"_{ord(letter):x}_" for letter in name
    )


def _compile(name: str, texts: dict[str, bytes]) -> etree.XMLSchema:
    parser = hardened()
    parser.resolvers.add(_OnlyThese(texts))
    try:
        return etree.XMLSchema(etree.fromstring(texts[name], parser, base_url=_address(name)))
    except (etree.XMLSchemaParseError, etree.XMLSyntaxError) as error:
        raise FeedError(f"the schema file {name} is no valid XML Schema: {_said(str(error))}", name) from None


def _mistake(schema: etree.XMLSchema, element: etree._Element, name: str) -> FeedError | None:
    """Return the first mistake of a message, ``None`` if it is valid."""
    if schema.validate(element):
        return None
    entry = cast(Any, schema.error_log)[0]
    return FeedError(f"{_said(entry.message)} (line {entry.line}, schema file {name})", _place(element, entry.path))


def _place(element: etree._Element, path: str | None) -> str:
    """Return the place as other errors write it, by local names; libxml2's own path where that cannot be found."""
    whole = Node(element).xpath
    if not path:
        return whole
    if element.getparent() is not None:
        return whole + re.sub(r"^/[^/]*", "", path)
    prefixes = {prefix: uri for prefix, uri in element.nsmap.items() if prefix}
    try:
        found = element.getroottree().xpath(path, namespaces=prefixes)
    except etree.XPathError:
        return path
    return Node(found[0]).xpath if isinstance(found, list) and found and isinstance(found[0], etree._Element) else path


def _said(message: str) -> str:
    """Return libxml2's sentence without namespaces, short."""
    return _cut(" ".join(re.sub(r"\{[^}]*\}", "", message).split()), _MAX_SAID)


def _cut(text: str, most: int = 100) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def _name(element: etree._Element) -> _Name:
    namespace, _, local = str(element.tag).rpartition("}")
    return namespace.removeprefix("{"), local
