"""Entry summary declarations in the message forms of the Import Control System (ICS1): CC315A, CC313A, and the answers to them.

The names are those of the system's functional specification (DDNIA), as in HMRC's "Safety and Security Import Declarations" API.
The digits at the end of an element's name are its own, so each party group has its own six names. An entry summary declaration
carries no value, no net mass, no origin and no procedure: those are ``None``. Its routing is the itinerary; its office is
the office of first entry. An amendment (CC313A) restates everything and names the declaration by MRN.

Answers: CC328A acknowledges and gives the MRN, CC304A accepts an amendment, CC316A rejects a declaration, CC305A an
amendment: that one is ``rejected`` under the *amendment's* reference (``CorIdeMES25``), or nothing if it does not state it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from schemas.declaration import Event
from schemas.feeds import Arrival, _lenient
from schemas.feeds._codelists import country
from schemas.feeds._fields import Row
from schemas.feeds._lenient import unique
from schemas.feeds._told import (
    declaration,
    errors_shown,
    identity,
    items_of,
    looks_like,
    message,
    messages,
    opened,
    source,
)
from schemas.feeds._xml import Node
from schemas.message import Message

FORMAT: Final = "ics1-ens"

_LODGEMENT: Final = "CC315A"
_AMENDMENT: Final = "CC313A"


class _Answer(NamedTuple):
    event: Event
    time: str
    reason: str | None = None


_ANSWERS: Final = {
    "CC328A": _Answer("accepted", "DecRegDatTimHEA115"),
    "CC304A": _Answer("accepted", "AmeAccDatTimHEA111"),
    "CC316A": _Answer("rejected", "DecRejDatTimHEA116", "DecRejReaHEA252"),
    "CC305A": _Answer("rejected", "AmeRejDatTimHEA112", "AmeRejMotTexHEA605"),
}
_REFUSED_AMENDMENT: Final = "CC305A"
_KNOWN: Final = frozenset({_LODGEMENT, _AMENDMENT, *_ANSWERS})
_BEGINS: Final = messages(_KNOWN)


class _Party(NamedTuple):
    """The names of a party's group and of what stands in it."""

    group: str
    id: str
    name: str
    address: str
    postcode: str
    city: str
    country: str


_LODGER: Final = _Party("PERLODSUMDEC", "TINPLD1", "NamPLD1", "StrAndNumPLD1", "PosCodPLD1", "CitPLD1", "CouCodPLD1")
_AGENT: Final = _Party("TRAREP", "TINTRE1", "NamTRE1", "StrAndNumTRE1", "PosCodTRE1", "CitTRE1", "CouCodTRE1")
_CONSIGNOR: Final = _Party("TRACONCO1", "TINCO159", "NamCO17", "StrAndNumCO122", "PosCodCO123", "CitCO124", "CouCO125")
_ITEM_CONSIGNOR: Final = _Party(
    "TRACONCO2", "TINCO259", "NamCO27", "StrAndNumCO222", "PosCodCO223", "CitCO224", "CouCO225"
)
_CONSIGNEE: Final = _Party("TRACONCE1", "TINCE159", "NamCE17", "StrAndNumCE122", "PosCodCE123", "CitCE124", "CouCE125")
_ITEM_CONSIGNEE: Final = _Party(
    "TRACONCE2", "TINCE259", "NamCE27", "StrAndNumCE222", "PosCodCE223", "CitCE224", "CouCE225"
)
_NOTIFY: Final = _Party(
    "NOTPAR670", "TINNOTPAR671", "NamNOTPAR672", "StrNumNOTPAR673", "PosCodNOTPAR676", "CitNOTPAR674", "CouCodNOTPAR675"
)
_ITEM_NOTIFY: Final = _Party(
    "PRTNOT640", "TINPRTNOT641", "NamPRTNOT642", "StrNumPRTNOT646", "PstCodPRTNOT644", "CtyPRTNOT643", "CouCodGINOT647"
)
_CARRIER: Final = _Party(
    "TRACARENT601", "TINTRACARENT602", "NamTRACARENT604", "StrNumTRACARENT607", "PstCodTRACARENT606", "CtyTRACARENT603",
    "CouCodTRACARENT605",
)  # fmt: skip

_PLACES: Final = {
    "declaration_id": "HEAHEA/RefNumHEA4",
    "local_reference": "HEAHEA/RefNumHEA4",
    "mrn": "HEAHEA/DocNumHEA5",
    "ucr": "HEAHEA/ComRefNumHEA",
    "office": "CUSOFFFENT730/RefNumCUSOFFFENT731",
    "declarant": "PERLODSUMDEC",
    "agent": "TRAREP",
    "exporter": "TRACONCO1",
    "consignee": "TRACONCE1",
    "notify": "NOTPAR670",
    "carrier": "TRACARENT601",
    "transport": "HEAHEA/IdeOfMeaOfTraCroHEA85",
    "items": "GOOITEGDS",
    "item number": "IteNumGDS7",
    "item description": "GooDesGDS23",
    "item packages": "PACGS2",
    "item documents": "PRODOCDC2",
}


class Ens:
    """The codec ``ens``: entry summary declarations of ICS1, their amendments, and the answers to both."""

    name = "ens"
    system = "ics"

    def sniff(self, raw: bytes) -> bool:
        """Say whether this is XML with one of the messages as its root or within the first 64 KiB."""
        return looks_like(raw, (b"CC3",), _BEGINS)

    def decode(self, raw: bytes, arrival: Arrival) -> list[Message]:
        """Decode one message; see :class:`schemas.feeds.Codec`."""
        root, found = opened(raw, _KNOWN.__contains__)
        if not found:
            raise root.wrong(f"no ENS message that is read here ({', '.join(sorted(_KNOWN))}) in <{root.name}>")
        told: list[Message] = []
        for node in found:
            said_by = source(arrival, CODEC.system, FORMAT)
            answer = _ANSWERS.get(node.name)
            told += [_whole(node, arrival, said_by)] if answer is None else _answered(node, answer, said_by)
        return told


CODEC = Ens()


def _party(node: Node, names: _Party) -> Row | None:
    """Return the party of a group, ``None`` if it says nothing of it."""
    group = node.one(names.group)
    if group is None:
        return None
    found: Row = {
        "id": group.text(names.id),
        "name": group.text(names.name),
        "address": group.text(names.address),
        "city": group.text(names.city),
        "postcode": group.text(names.postcode),
        "country": country(group.text(names.country)),
    }
    return found if any(found.values()) else None


def _first_party(node: Node, names: _Party, items: Iterable[Node], item_names: _Party) -> Row | None:
    """Return the party of the whole declaration, else of the first item that has one."""
    return _party(node, names) or next((found for item in items if (found := _party(item, item_names))), None)


def _declarant(node: Node) -> str | None:
    """Return by what the person lodging the declaration is identified, else the representative: EORI, or a name."""
    for names in (_LODGER, _AGENT):
        found = _party(node, names)
        if found is not None and (found["id"] or found["name"]):
            return str(found["id"]).upper() if found["id"] else str(found["name"])
    return None


def _prepared(node: Node) -> datetime | None:
    """Return when the message was prepared: ``yymmdd`` and ``hhmm``, or the date with its century."""
    day, time = node.text("DatOfPreMES9"), node.text("TimOfPreMES10") or ""
    if day is None or not day.isdecimal() or not day.isascii() or not time.isascii():
        return None
    century = "20" if len(day) == 6 else ""
    digits = f"{century}{day}{time if re.fullmatch(r'[0-9]{4}([0-9]{2})?', time) else ''}"
    return _lenient.clock(digits)


def _named(node: Node, header: Node | None, system: str) -> Row:
    reference = header.text("RefNumHEA4") if header is not None else None
    declarant = _declarant(node)
    if declarant is None and reference is not None and (sender := node.text("MesSenMES3")) is not None:
        declarant = sender.upper()  # No lodger: the trader who sent it, as EORI and branch.
    return {
        "declaration_id": identity(system, declarant, reference),
        "declarant": declarant,
        "local_reference": reference,
        "mrn": _lenient.mrn(header.text("DocNumHEA5")) if header is not None else None,
    }


def _answered(node: Node, answer: _Answer, said_by: Row) -> list[Message]:
    header = node.one("HEAHEA")
    named = _named(node, header, said_by["system"])
    if (
        _declarant(node) is None
    ):  # An answer's sender is customs, or the trader again: it says nothing reliable of whose it is.
        named |= {"declaration_id": None, "declarant": None}
    if node.name == _REFUSED_AMENDMENT:
        request = node.text("CorIdeMES25")
        if request is None:
            return []
        named |= {"declaration_id": None, "local_reference": request}
    said = [header.text(answer.reason)] if header is not None and answer.reason else []
    said.append(errors_shown(node.all("FUNERRER1"), "ErrTypER11", "ErrReaER13", "ErrPoiER12"))
    fields = {
        "event": answer.event,
        "named": named,
        "source": said_by,
        "at": (_lenient.moment(header.one(answer.time)) if header is not None else None) or _prepared(node),
        "reference": node.text("MesIdeMES19"),
        "reason": ": ".join(text for text in said if text)[:8192] or None,
    }
    return [message(fields, node)]


def _whole(node: Node, arrival: Arrival, said_by: Row) -> Message:
    """Return a lodgement or an amendment: both state the whole declaration."""
    header = node.one("HEAHEA")
    if header is None:
        raise node.wrong("HEAHEA is missing: no identity without it")
    amended = node.name == _AMENDMENT
    named = _named(node, header, said_by["system"])
    if not amended and named["local_reference"] is None:
        raise header.wrong("RefNumHEA4 (LRN) is missing: no identity without it")
    if not amended and named["declarant"] is None:
        raise node.wrong("no person lodging (PERLODSUMDEC), no representative, no sender: no identity")
    said = _lenient.moment(header.one("DatTimAmeHEA113" if amended else "DecDatTimHEA114")) or _prepared(node)
    at = said or arrival.received_at
    if at is None:
        raise header.wrong("no time of declaration or preparation, and the time of arrival is not known")
    goods = items_of(node.all("GOOITEGDS"), node, "GOOITEGDS")
    items = [_item(item) for item in goods]
    _lenient.number_items(items)
    own = f"{named['declarant'] or 'unnamed'}:{named['local_reference'] or named['mrn'] or 'unnamed'}"
    ucr = header.text("ComRefNumHEA")
    fields: Row = {
        "event": "amended" if amended else "lodged",
        "declaration_id": f"{said_by['system']}:{own}",
        "mrn": _lenient.contract_mrn(named["mrn"]),
        "local_reference": named["local_reference"],
        "ucr": ucr,
        "lodged_at": at,
        "source": said_by,
        "regime": "entry_summary",
        "office": node.text("CUSOFFFENT730", "RefNumCUSOFFFENT731"),
        "declarant": _party(node, _LODGER) or _party(node, _AGENT),
        "agent": _party(node, _AGENT),
        "exporter": _first_party(node, _CONSIGNOR, goods, _ITEM_CONSIGNOR),
        "consignee": _first_party(node, _CONSIGNEE, goods, _ITEM_CONSIGNEE),
        "notify": _first_party(node, _NOTIFY, goods, _ITEM_NOTIFY),
        "carrier": _party(node, _CARRIER),
        "routing": _lenient.countries(stage.text("CouOfRouCodITI1") for stage in node.all("ITI")),
        "transport": _transport(node, header, goods),
        "gross_mass_kg": _lenient.mass(header.one("TotGroMasHEA307")),
        "package_count": _lenient.count(header.one("TotNumOfPacHEA306")),
        "items": items,
    }
    return message(
        {
            "event": fields["event"],
            "named": named | {"ucr": ucr},
            "source": said_by,
            "at": said,
            "version": None if amended else 1,
            "declaration": declaration(fields, node, goods, _PLACES),
            "reference": node.text("MesIdeMES19"),
        },
        node,
    )


def _transport(node: Node, header: Node, goods: list[Node]) -> Row | None:
    """Return mode and means at the border (header, else the first item that has one), containers and seals."""
    means = next((one for item in goods for one in item.all("IDEMEATRAGI970")), None)
    found: Row = {
        "mode": _lenient.mode(header.text("TraModAtBorHEA76")),
        "identity": header.text("IdeOfMeaOfTraCroHEA85")
        or (means.text("IdeMeaTraGIMEATRA971") if means is not None else None),
        "nationality": country(header.text("NatOfMeaOfTraCroHEA87"))
        or (country(means.text("NatIDEMEATRAGI973")) if means is not None else None),
        "containers": unique(one.text("ConNumNR21") for item in goods for one in item.all("CONNR2")),
        "seals": unique(seal.text("SeaIdSEAID530") for seal in node.all("SEAID529")),
    }
    return found if any(found.values()) else None


def _item(node: Node) -> Row:
    return {
        "number": _lenient.count(node.one("IteNumGDS7"), _lenient.MAX_NUMBER),
        "commodity_code": _lenient.commodity_code(node.text("COMCODGODITM", "ComNomCMD1")),
        "description": node.text("GooDesGDS23"),
        "gross_mass_kg": _lenient.mass(node.one("GroMasGDS46")),
        "packages": [_package(package) for package in node.all("PACGS2")],
        "documents": [
            {"type": kind.upper(), "reference": document.text("DocRefDC23")}
            for document in node.all("PRODOCDC2")
            if (kind := document.text("DocTypDC21")) is not None
        ],
    }


def _package(node: Node) -> Row:
    """Return packages; of goods that are not packed (NE, NF, NG) the message counts pieces."""
    packages = _lenient.count(node.one("NumOfPacGS24"))
    return {
        "type": _lenient.package_type(node.text("KinOfPacGS23")),
        "count": _lenient.count(node.one("NumOfPieGS25")) if packages is None else packages,
        "marks": node.text("MarNumOfPacGSL21"),
    }
