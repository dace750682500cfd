"""The description of the interface: what OpenAPI says beyond the code, and a page of it without scripts or network.

The usual documentation pages load their scripts from elsewhere; a page on which API keys are at hand should not, and customs
networks often cannot.
"""

from __future__ import annotations

import json
from typing import Any, Final

from jinja2 import Environment

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
DESCRIPTION: Final = """\
Takes customs messages and answers when Kafka has acknowledged them (all replicas). **A 2xx means that every message of the
request is in Kafka; anything else means: send it again** (a repeat is harmless). The same content from the same source gets the
same receipt within the window, and is not sent twice; the intake behind drops duplicates by content in any case.

A message that cannot be decoded is answered with 422 and where it is wrong, and kept as a dead letter with its bytes; the other
messages of the same request are taken all the same, and are in Kafka. 429 and 503 say in `Retry-After` when to try again.
"""

_XML: Final = """<MetaData xmlns="urn:wco:datamodel:WCO:DocumentMetaData-DMS:2"><Declaration><FunctionCode>9</FunctionCode>
<FunctionalReferenceID>LRN-1</FunctionalReferenceID><TypeCode>EXA</TypeCode>...</Declaration></MetaData>"""
_OWN: Final = {
    "event": "lodged",
    "declaration_id": "mysystem:CN123:2026-1",
    "lodged_at": "2026-11-20T08:14:05Z",
    "regime": "export",
    "source": {"system": "mysystem", "format": "json"},
    "items": [{"number": 1, "commodity_code": "7901200000", "description": "Zinc alloy ingots", "net_mass_kg": 1000.0}],
}
_RECEIPT: Final = {
    "accepted": 1,
    "refused": 0,
    "messages": [
        {
            "id": "5f0c7d0e9b7a4c1f8a52b1f6f2f9c3d4",
            "status": "accepted",
            "format": "cds",
            "declarations": [
                {
                    "event": "lodged",
                    "declaration_id": "cds:GB123:LRN-1",
                    "version": 1,
                    "mrn": None,
                    "regime": "export",
                    "items": 1,
                    "edits": None,
                    "codes": "79012000",
                }
            ],
            "topic": "raw.cds",
            "partition": 0,
            "offset": 88121,
        }
    ],
}
_REFUSED: Final = {
    "type": "about:blank",
    "title": "Unprocessable Entity",
    "status": 422,
    "detail": "1 of 1 messages cannot be used",
    "errors": [
        {
            "message": 1,
            "path": "/MetaData/Declaration",
            "reason": "GoodsShipment is missing: nothing is declared (line 2)",
        }
    ],
}


def _binary(what: str) -> dict[str, Any]:
    return {"schema": {"type": "string", "format": "binary", "description": what}}


POST: Final[dict[str, Any]] = {
    "security": [{"key": []}],
    "requestBody": {
        "required": True,
        "description": "One message as it is, or many: multipart parts, lines or an array of our own contract, a table or "
        "JSON of a mapped source, or an archive (zip, tar, gzip, bzip2, xz; one archive inside another is opened).",
        "content": {
            "application/xml": {"schema": {"type": "string"}, "example": _XML},
            "application/edifact": {
                "schema": {"type": "string"},
                "example": "UNB+UNOA:3+SENDER+CUSTOMS+261120:0814+1'...",
            },
            "application/json": {"schema": {}, "example": _OWN},
            "application/x-ndjson": {"schema": {"type": "string"}, "example": json.dumps(_OWN)},
            "text/csv": {"schema": {"type": "string"}, "example": "lrn,hs,kg\nA-1,79012000,1000\n"},
            "application/zip": _binary("an archive of messages"),
            "application/gzip": _binary("a compressed message, lines, or tar archive"),
            "application/octet-stream": _binary("found out from the bytes"),
            "multipart/form-data": {
                "schema": {"type": "object", "additionalProperties": {"type": "string", "format": "binary"}}
            },
            "multipart/mixed": _binary("a message in each part"),
        },
    },
}


def _problem(what: str, example: Any = None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"type": "object"}}
    if example is not None:
        content["example"] = example
    return {"description": what, "content": {"application/problem+json": content}}


RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "With check=only: every message would be accepted; nothing was sent"},
    202: {
        "description": "Kafka has acknowledged every message. With Accept: application/edifact and one interchange: its CONTRL",
        "content": {"application/json": {"example": _RECEIPT}},
    },
    401: _problem("no key, or one that is unknown or revoked"),
    403: _problem("a key for another source"),
    408: _problem("the body came too slowly"),
    413: _problem("the body, or what it unpacks to, is larger than it may be"),
    415: _problem("no messages come in this content type or encoding"),
    422: _problem(
        "messages that cannot be decoded, and where; they are kept as dead letters, the others are in Kafka", _REFUSED
    ),
    429: _problem("more messages a second than the key may send; Retry-After says when"),
    503: _problem("Kafka has not acknowledged, does not answer, or too much waits for it; Retry-After says when"),
}

_PAGE: Final = Environment(autoescape=True).from_string("""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{{ api.info.title }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f23 }
h2 { border-top: 1px solid #d0d7de; padding-top: 1rem } code, pre { font: 13px/1.45 ui-monospace, monospace; background: #f6f8fa }
pre { padding: .75rem; overflow: auto } td, th { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0 }
</style>
<h1>{{ api.info.title }} {{ api.info.version }}</h1>
{% for text in api.info.description.split("\n\n") %}<p>{{ text | replace("**", "") }}</p>{% endfor %}
<p>Machine-readable: <a href="openapi.json">openapi.json</a>. Keys: <code>assay gateway key create --help</code>.</p>
<pre>curl -H "Authorization: Bearer $KEY" -H "Content-Type: application/xml" --data-binary @message.xml \\
  http://127.0.0.1:8790/v1/sources/cds-north/messages</pre>
{% for path, methods in api.paths.items() %}{% for method, one in methods.items() %}
<h2><code>{{ method | upper }} {{ path }}</code></h2><p>{{ one.summary }}</p>
{% if one.parameters %}<table>{% for p in one.parameters %}
<tr><td><code>{{ p.name }}</code><td>{{ p.in }}<td>{{ (p.schema.enum or [p.schema.type]) | join(", ") }}</tr>
{% endfor %}</table>{% endif %}
{% if one.requestBody %}<h3>Body</h3><p>{{ one.requestBody.description }}</p>
{% for type, body in one.requestBody.content.items() %}<details><summary><code>{{ type }}</code></summary>
<pre>{% if body.example is string %}{{ body.example }}{% elif body.example %}{{ body.example | tojson(2) }}
{% else %}{{ body.schema.description }}{% endif %}</pre>
</details>{% endfor %}{% endif %}
<h3>Answers</h3><table>{% for status, answer in one.responses.items() %}<tr><th>{{ status }}<td>{{ answer.description }}
{% for body in (answer.content or {}).values() if body.example %}<pre>{{ body.example | tojson(2) }}</pre>{% endfor %}
</tr>{% endfor %}</table>
{% endfor %}{% endfor %}
</html>""")


def page(openapi: dict[str, Any]) -> str:
    """Return the description as a page."""
    return _PAGE.render(api=openapi)
