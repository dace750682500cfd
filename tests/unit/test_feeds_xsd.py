"""Validation against the user's own schema files: what is found, what is refused, and that nothing leaves the folder."""

from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.errors import FeedError
from schemas.feeds import _xsd

NOTE = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:note" targetNamespace="urn:note"
 elementFormDefault="unqualified">
 {head}
 <xs:element name="Note"><xs:complexType><xs:sequence>
  <xs:element name="lrn"><xs:simpleType><xs:restriction base="xs:string"><xs:maxLength value="{length}"/></xs:restriction>
  </xs:simpleType></xs:element>
  <xs:element name="mass" type="{mass}" minOccurs="0" maxOccurs="unbounded"/>
 </xs:sequence></xs:complexType></xs:element>
</xs:schema>"""

TYPES = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"{target}>
 <xs:simpleType name="Mass"><xs:restriction base="xs:decimal"><xs:minExclusive value="0"/></xs:restriction></xs:simpleType>
</xs:schema>"""

GOOD = b'<n:Note xmlns:n="urn:note">\n <lrn>LRN-7</lrn>\n <mass>1.5</mass>\n</n:Note>'


def put(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path = path.with_name(path.name + ".xsd")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def note(head: str = "", length: int = 8, mass: str = "xs:decimal") -> str:
    return NOTE.format(head=head, length=length, mass=mass)


def refused(folder: Path, raw: bytes) -> FeedError:
    check = _xsd.validator(folder)
    with pytest.raises(FeedError) as caught:
        check(raw)
    return caught.value


def test_a_good_message_passes_and_a_bad_one_is_located(tmp_path: Path) -> None:
    check = _xsd.validator(put(tmp_path, note=note()))
    check(GOOD)
    with pytest.raises(FeedError) as caught:
        check(GOOD.replace(b"</mass>", b"</mass>\n <mass>heavy</mass>"))
    assert caught.value.path == "/Note/mass[2]"
    assert "(line 4, schema file note.xsd)" in caught.value.reason
    assert "heavy" in caught.value.reason
    check(GOOD)


def test_a_long_wrong_value_makes_no_long_reason(tmp_path: Path) -> None:
    error = refused(put(tmp_path, note=note()), GOOD.replace(b"LRN-7", b"L" * 100_000))
    assert len(error.reason) < 500
    assert error.path == "/Note/lrn"


def test_a_wrapper_is_looked_through(tmp_path: Path) -> None:
    check = _xsd.validator(put(tmp_path, note=note()))
    check(b"<Envelope><Body>" + GOOD + b"</Body></Envelope>")
    with pytest.raises(FeedError) as caught:
        check(b"<Envelope><Body>" + GOOD.replace(b"1.5", b"x") + b"</Body></Envelope>")
    assert caught.value.path == "/Envelope/Body/Note/mass"


@pytest.mark.parametrize(
    "raw", [b"<Note/>", b'<Note xmlns="urn:other"/>', b'<n:Other xmlns:n="urn:note"/>', b"<a><b><c/></b></a>"]
)
def test_a_message_without_a_schema_is_refused_with_what_there_is(tmp_path: Path, raw: bytes) -> None:
    error = refused(put(tmp_path, note=note()), raw)
    assert "declares <" in error.reason
    assert "<Note> of urn:note" in error.reason


def test_includes_and_imports_inside_the_folder(tmp_path: Path) -> None:
    head = '<xs:include schemaLocation="parts/types.xsd"/>'
    check = _xsd.validator(put(tmp_path, note=note(head, mass="Mass"), parts__types=TYPES.format(target="")))
    check(GOOD)
    assert refused(tmp_path, GOOD.replace(b"1.5", b"-1")).path == "/Note/mass"


@pytest.mark.parametrize(
    "location", [' schemaLocation="../deep/types.xsd"', "", ' schemaLocation="http://127.0.0.1:1/types.xsd"']
)
def test_an_import_is_found_by_its_place_or_its_namespace(tmp_path: Path, location: str) -> None:
    head = f'<xs:import namespace="urn:types"{location}/>'
    text = note(head, mass="t:Mass").replace('xmlns="urn:note"', 'xmlns="urn:note" xmlns:t="urn:types"')
    folder = put(tmp_path, a__note=text, deep__types=TYPES.format(target=' targetNamespace="urn:types"'))
    _xsd.validator(folder)(GOOD)
    assert "minExclusive" in refused(folder, GOOD.replace(b"1.5", b"0")).reason


def test_of_several_versions_one_is_enough(tmp_path: Path) -> None:
    folder = put(tmp_path, v1=note(length=4), v2=note(length=8))
    _xsd.validator(folder)(GOOD)
    error = refused(folder, GOOD.replace(b"LRN-7", b"LRN-7-AND-MORE"))
    assert "schema file v2.xsd" in error.reason


def test_a_folder_without_schemas_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="no schema file"):
        _xsd.validator(tmp_path)
    with pytest.raises(FeedError, match="no folder"):
        _xsd.validator(tmp_path / "nothing")


def test_a_broken_schema_is_wrong_only_for_who_needs_it(tmp_path: Path) -> None:
    folder = put(tmp_path, note=note(), broken="<xs:schema", other="<html/>")
    _xsd.validator(folder)(GOOD)
    error = refused(put(tmp_path / "b", note=note('<xs:include schemaLocation="gone.xsd"/>')), GOOD)
    assert "gone.xsd, which is not in the folder" in error.reason
    error = refused(put(tmp_path / "c", note=note(mass="NoSuchType")), GOOD)
    assert "note.xsd is no valid XML Schema" in error.reason
    include = '<xs:include schemaLocation="broken.xsd"/>'
    error = refused(put(tmp_path / "d", note=note(include), broken="<xs:schema"), GOOD)
    assert "broken.xsd cannot be used: not well-formed" in error.reason


@pytest.fixture
def listener() -> Iterator[tuple[int, list[str]]]:
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port, asked
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("kind", ["include", "import", "redefine"])
def test_nothing_is_fetched(tmp_path: Path, listener: tuple[int, list[str]], kind: str) -> None:
    port, asked = listener
    namespace = ' namespace="urn:far"' if kind == "import" else ""
    head = f'<xs:{kind}{namespace} schemaLocation="http://127.0.0.1:{port}/types.xsd"/>'
    check = _xsd.validator(put(tmp_path / "b", note=note()))
    error = refused(put(tmp_path / "a", note=note(head)), GOOD)
    assert "nothing is fetched" in error.reason
    assert error.path == "line 3"
    far, near = f"http://127.0.0.1:{port}/x.xsd", tmp_path / "near.xsd"
    os.mkfifo(near)  # Whoever opened it would wait for ever.
    for of in ("urn:note", "urn:far"):
        for place in (far, near.as_uri()):
            hints = f'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="{of} {place}"'
            check(GOOD.replace(b"<n:Note ", f'<n:Note {hints} i:noNamespaceSchemaLocation="{place}" '.encode()))
    assert asked == []


def test_files_outside_the_folder_are_not_read(tmp_path: Path) -> None:
    put(tmp_path, secret=TYPES.format(target=""))
    inside = tmp_path / "in"
    for location in (
        "../secret.xsd",
        (tmp_path / "secret.xsd").as_uri(),
        str(tmp_path / "secret.xsd"),
        "%2e%2e/secret.xsd",
    ):
        head = f'<xs:include schemaLocation="{location}"/>'
        assert "not in the folder" in refused(put(inside, note=note(head, mass="Mass")), GOOD).reason
    (inside / "link.xsd").symlink_to(tmp_path / "secret.xsd")
    head = '<xs:include schemaLocation="link.xsd"/>'
    assert "folder" in refused(put(inside, note=note(head, mass="Mass")), GOOD).reason


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE xs:schema [<!ENTITY z SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE xs:schema SYSTEM "http://127.0.0.1:1/x.dtd">',
        '<!DOCTYPE xs:schema [<!ENTITY a "ha"><!ENTITY z "&a;&a;&a;">]>',
    ],
)
def test_entities_in_a_schema_are_refused(tmp_path: Path, doctype: str) -> None:
    hostile = doctype + TYPES.format(target="").replace('name="Mass"', 'name="Mass" id="&z;"')
    head = '<xs:include schemaLocation="types.xsd"/>'
    error = refused(put(tmp_path, note=note(head, mass="Mass"), types=hostile), GOOD)
    assert "types.xsd cannot be used: a document type" in error.reason
    assert "root:" not in str(error)


def test_a_hostile_message_is_refused_before_any_schema(tmp_path: Path) -> None:
    check = _xsd.validator(put(tmp_path, note=note()))
    with pytest.raises(FeedError, match="DOCTYPE"):
        check(b'<!DOCTYPE x [<!ENTITY z SYSTEM "file:///etc/passwd">]>' + GOOD.replace(b"LRN-7", b"&z;"))
    with pytest.raises(FeedError, match="not well-formed"):
        check(GOOD[:-5])
