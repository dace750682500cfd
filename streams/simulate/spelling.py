"""One party as different people write it: what entity resolution must see through, in honest trade as in smuggling."""

from __future__ import annotations

from streams.simulate.chance import Chance
from streams.simulate.firms import Party

_FORMS = (
    ("Co., Ltd.", "Co Ltd"),
    ("Co. Ltd.", "Company Limited"),
    ("Ltd.", "Limited"),
    ("GmbH", "G.m.b.H."),
    ("Inc.", "Incorporated"),
    ("B.V.", "BV"),
    ("Sdn. Bhd.", "SDN BHD"),
    ("S.A. de C.V.", "SA DE CV"),
    ("Pvt. Ltd.", "Private Limited"),
    ("LLC", "L.L.C."),
    ("Import & Export", "Imp & Exp"),
    ("Import & Export", "Import and Export"),
)
_STREETS = (
    ("Road", "Rd."),
    ("Street", "St."),
    ("Avenue", "Ave"),
    ("Ave", "Avenue"),
    ("Blvd", "Boulevard"),
    ("straße", "str."),
    ("Pkwy", "Parkway"),
    ("No. ", "#"),
    ("Room ", "Rm "),
)


def name(text: str, chance: Chance) -> str:
    """Return a name in another spelling; sometimes the same."""
    told = chance.share()
    if told < 0.3:
        return text.upper() if text != text.upper() else text.title()
    if told < 0.55:
        for long, short in _FORMS:
            if long in text:
                return text.replace(long, short)
        return text.replace(".", "")
    words = text.split()
    if told < 0.7 and len(words) == 2:
        return f"{words[1]}, {words[0]}" if chance.maybe(0.5) else f"{words[1]} {words[0]}"
    if told < 0.85 and len(text) > 7:
        k = chance.whole(2, len(text) - 4)
        return text[:k] + text[k + 1] + text[k] + text[k + 2 :] if chance.maybe(0.5) else text[:k] + text[k + 1 :]
    return text


def phone(text: str, chance: Chance) -> str:
    """Return a telephone number in another notation."""
    digits = text.lstrip("+")
    country, _, rest = digits.partition(" ")
    return chance.one(
        (f"00{country} {rest}", f"+{country}-{rest[:3]}-{rest[3:]}", f"+{country}{rest}", f"({country}) {rest}", text)
    )


def address(text: str, chance: Chance) -> str:
    """Return an address with its words shortened or lengthened."""
    for long, short in _STREETS:
        if long in text and chance.maybe(0.8):
            return text.replace(long, short)
    return text.upper() if chance.maybe(0.5) else text


def respelt(party: Party, chance: Chance, *, keep_id: bool = True) -> Party:
    """Return a party as somebody else would type it: another spelling, and now and then a detail left out."""
    found = dict(party)
    if found["name"]:
        found["name"] = name(found["name"], chance)
    if found["phone"]:
        found["phone"] = phone(found["phone"], chance) if chance.maybe(0.5) else found["phone"]
    if found["address"] and chance.maybe(0.5):
        found["address"] = address(found["address"], chance)
    if found["email"] and chance.maybe(0.2):
        found["email"] = None
    if not keep_id:
        found["id"] = None
    return found
