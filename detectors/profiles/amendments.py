"""What was flagged is amended away, or cancelled and lodged again without it.

Typology T14: code, text, destination or consignee change after submission or after selection for inspection; cancelled and filed
again under another declarant or port. A later version of a declaration, or another one of the same party within 30 days, of
nearly the same mass, value and parties, lacks what was found before.

What is honest and looks alike: a corrected mass is not nearly the same; a line split, an address put right and a text made
precise leave the goods what they were, so that what was found stays; with a licence that was added the finding goes rightly; a
second order like the first is no re-lodgement unless the first was taken back.

What is not watched any more is known in brief, so ordinary exports of the last weeks are remembered, few and small.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import msgspec

from detectors.profiles._beginnings import metal
from detectors.profiles._remembered import (
    Heard,
    grams,
    heard,
    heard_in_words,
    kg,
    moment,
    step_of,
    weight,
)
from detectors.profiles.profile import ENDED, Context, Profile, Ref, Said, Told
from schemas.finding import Evidence
from schemas.signal import Fact, Feedback
from schemas.types import FindingCode, Severity

#: T14: 0 to 14 days for one shipment; a month, since a consignment may wait for the next ship.
_WINDOW = timedelta(days=30)
#: Masses and values so close are nearly the same: weighed or invoiced again (own estimate).
_MASS, _VALUE = 0.03, 0.05
#: Flagged versions, and ordinary ones, kept under a key.
MOST, MOST_PLAIN = 40, 60
#: What an amendment may take away. Vague words made precise are what an office asks for.
_GROUNDS: frozenset[FindingCode] = frozenset(
    {
        "CONTROL-NO-LICENCE",
        "CONTROL-PROHIBITED",
        "MISLABEL-NAME",
        "MISLABEL-CODE",
        "MISLABEL-TEXT",
        "MISLABEL-VALUE",
        "MISLABEL-PURITY",
        "ROUTE-TRANSIT",
        "ROUTE-DESTINATION",
        "ORIGIN-RELABEL",
    }
)
#: Risk from which a declaration was flagged.
_RISK = 25
_GRAMS_MOST = 2**62


class Version(msgspec.Struct, array_like=True):
    """One version of a declaration as a party's.

    Attributes
    ----------
    ended : cancelled or rejected.
    side : "s" if the party sends, "c" if it receives; "" where the version says nothing.
    other : hash of the party on the other side; ``named`` of its name.
    name : the exporter's, if it is a firm.
    codes : grounds that the screen found; ``elements`` controlled and without a licence; ``licensed`` those with one.
    """

    declaration_id: str
    version: int
    step: int
    time: int
    ended: bool = False
    side: str = ""
    grams: int | None = None
    usd: int | None = None
    heading: str = ""
    destination: str = ""
    other: str = ""
    named: str = ""
    regime: str = ""
    start: str = ""
    watched: bool = False
    risk: int = 0
    item: int | None = None
    codes: list[str] = []
    elements: list[str] = []
    licensed: list[str] = []
    text: str = ""
    name: str = ""


class Versions(msgspec.Struct, array_like=True):
    """The versions under a party, oldest first: the telling ones and the plain ones; and what inspections said."""

    telling: list[Version] = []
    plain: list[Version] = []
    heard: list[Heard] = []


class Amendments(Profile[Versions]):
    """Looks for what was taken out."""

    name = "amendments"
    tag = "a"
    kinds = frozenset({"party"})
    codes: ClassVar[frozenset[FindingCode]] = frozenset({"AMEND-EVASIVE"})
    state = Versions

    def wants(self, fact: Fact) -> bool:
        """Want what leaves; what is brought in has no export control to evade."""
        return fact.regime not in ("import", "passenger")

    def learn(
        self, state: Versions | None, facts: Sequence[Fact], feedback: Sequence[Feedback], context: Context
    ) -> Versions | None:
        """Join the versions to those known."""
        state = state or Versions()
        best = {(one.declaration_id, one.version): one for one in (*state.telling, *state.plain)}
        for fact in facts:
            one = _version(fact, context.key)
            held = best.get((one.declaration_id, one.version))
            if held is None or (one.step, _packed(one)) > (held.step, _packed(held)):
                best[one.declaration_id, one.version] = one
        versions = sorted(best.values(), key=_order)
        since = context.keeps(_WINDOW)
        telling = [one for one in versions if one.time >= since and _tells(one)][-MOST:]
        plain = [one for one in versions if one.time >= context.opens and not _tells(one)][-MOST_PLAIN:]
        said = heard(state.heard, feedback, self.codes, context)
        return Versions(telling, plain, said) if telling or plain or said else None

    def entries(self, state: Versions) -> Sequence[Version]:
        """Return the versions."""
        return [*state.telling, *state.plain]

    def say(self, state: Versions, context: Context) -> Mapping[Ref, Told]:
        """Speak of the open declarations, each by its newest version."""
        told: dict[Ref, Told] = {}
        newest: dict[str, int] = {}
        for one in (*state.telling, *state.plain):
            newest[one.declaration_id] = max(one.version, newest.get(one.declaration_id, 0))
        for one in (*state.telling, *state.plain):
            if one.time < context.asked or one.version != newest[one.declaration_id]:
                continue
            if one.side and not one.ended:
                said = list(_said(one, state, context)) if state.telling else []
                told[one.declaration_id, one.version] = Told(moment(one.time), said, _shown(one) if said else {})
        return told

    def explain(self, state: Versions, context: Context) -> list[str]:
        """Describe what was flagged, and what came besides."""
        words = [f"{len(state.telling)} flagged or ended versions and {len(state.plain)} others are remembered."]
        words += [f"{_line(one)}." for one in state.telling[-20:]]
        return words + heard_in_words(state.heard)


_packed = msgspec.msgpack.Encoder().encode


def _order(one: Version) -> tuple[int, str, int]:
    return one.time, one.declaration_id, one.version


def _tells(one: Version) -> bool:
    return one.ended or bool(one.codes or one.elements)


def _version(fact: Fact, key: str) -> Version:
    one = Version(fact.declaration_id, fact.version, step_of(fact.event), fact.seconds, fact.event in ENDED)
    roles = {who.role: who for who in fact.parties}
    held = {who.role for who in fact.parties if who.key == key}
    one.side = "s" if "exporter" in held else "c" if "consignee" in held else ""
    across = roles.get("consignee" if one.side == "s" else "exporter")
    one.grams = None if fact.net_mass_kg is None else grams(fact.net_mass_kg)
    one.usd = None if fact.value_usd is None else min(round(fact.value_usd), _GRAMS_MOST)
    one.heading = fact.headings[0] if fact.headings else ""
    one.destination = fact.country_of_destination or ""
    one.regime, one.start = fact.regime, fact.country_of_export or ""
    if across is not None:
        one.other, one.named = across.key[-12:], (across.name_key or "")[-12:]
    sender = roles.get("exporter")
    one.name = ((sender.shown if sender is not None else None) or "")[:40]
    if fact.watched:
        one.watched = True
        one.risk = fact.risk
        free = [goods for goods in fact.goods if goods.element and goods.controlled and not goods.licensed]
        one.codes = sorted(_GROUNDS.intersection(fact.found)) if fact.risk >= _RISK else []
        one.elements = sorted({goods.element for goods in free if goods.element})[:5]
        one.licensed = sorted({goods.element for goods in fact.goods if goods.element and goods.licensed})[:5]
        one.item = next((goods.item for goods in fact.goods), None)
        one.text = (fact.text or "")[:16]
    return one


def _said(one: Version, state: Versions, context: Context) -> Iterator[Said]:
    best: tuple[float, Version, list[str], bool] | None = None
    place, since = _order(one), one.time - int(_WINDOW.total_seconds())
    for former in state.telling:
        if former.time < since or _order(former) >= place:
            continue
        if not (former.codes or former.elements) or not former.side:
            continue
        same = former.declaration_id == one.declaration_id
        if same and former.version >= one.version:
            continue
        lost = _lost(former, one)
        if not lost or not _near(former, one):
            continue
        taken_back = same or _ended(former, one, state.telling)
        score = _score(former, one, same, taken_back)
        if score and (best is None or (score, _order(former)) > (best[0], _order(best[1]))):
            best = score, former, lost, taken_back
    if best is not None:
        yield _told(one, best[1], best[2], best[3], best[0] * weight(state.heard, one.time), context)


def _lost(former: Version, one: Version) -> list[str]:
    """Return what was flagged before and is not there now; nothing if a licence was added."""
    if set(former.elements) & set(one.licensed):
        return []
    gone = sorted(set(former.codes) - set(one.codes))
    metals = [metal(element) for element in former.elements if element not in one.elements]
    moved = _other(former, one) or (former.destination and one.destination and former.destination != one.destination)
    if "CONTROL-PROHIBITED" in gone and moved:
        return [*metals, *gone]  # the goods are what they were: what the ban rests on has been exchanged
    # what replaces one finding by another of its kind is still flagged
    if not metals and (one.codes or not gone or one.risk > former.risk - 15):
        return []
    return [*metals, *gone]


def _near(former: Version, one: Version) -> bool:
    if former.grams is None or one.grams is None or not former.grams:
        return False
    if abs(one.grams / former.grams - 1) > _MASS:
        return False
    return not (former.usd and one.usd) or abs(one.usd / former.usd - 1) <= _VALUE


def _ended(former: Version, one: Version, versions: Sequence[Version]) -> bool:
    """Tell whether the former declaration was taken back, or refused, before this one."""
    return any(
        end.ended and end.declaration_id == former.declaration_id and _order(end) < _order(one) for end in versions
    )


def _changed(former: Version, one: Version) -> list[str]:
    found = []
    if former.heading and one.heading and former.heading != one.heading:
        found.append(f"code {former.heading} became {one.heading}")
    if former.text and former.text != one.text and one.watched:
        found.append("the description is another")
    elif former.elements and not one.watched and former.heading == one.heading:
        found.append("the description names the metal no more")
    if former.destination and one.destination and former.destination != one.destination:
        found.append(f"destination {former.destination} became {one.destination}")
    if _other(former, one):
        found.append("the consignee is another" if one.side == "s" else "the exporter is another")
    return found


def _other(former: Version, one: Version) -> bool:
    if not former.other or not one.other or former.other == one.other:
        return False
    return not (former.named and former.named == one.named)


def _score(former: Version, one: Version, same: bool, taken_back: bool) -> float:
    if not _changed(former, one):
        return 0.0
    if not taken_back and (_other(former, one) or former.destination != one.destination):
        return 0.0  # another order of another customer
    score = 0.66 if taken_back else 0.4
    score += 0.08 * (former.risk >= 50) + 0.06 * bool(former.elements) + 0.04 * (not _other(former, one))
    return score - 0.06 * (not same and not (former.usd and one.usd))


def _told(one: Version, former: Version, lost: Sequence[str], taken_back: bool, score: float, context: Context) -> Said:
    same = one.declaration_id == former.declaration_id
    days = (moment(one.time) - moment(former.time)).total_seconds() / 86_400
    after = f"{days:.0f} days" if days >= 2 else f"{max(1, round(days * 24))} hours"
    mass = kg(one.grams or 0)
    changed = "; ".join(_changed(former, one))
    how = (
        f"version {one.version} of this declaration"
        if same
        else f"{'after it was taken back, ' if taken_back else ''}this other declaration"
    )
    severity: Severity = "low" if not taken_back else "high" if former.risk >= 50 and former.elements else "medium"
    return Said(
        code="AMEND-EVASIVE",
        severity=severity,
        score=min(0.95, score),
        title=("Amended" if same else "Lodged again" if taken_back else "Lodged beside a like one")
        + f" without what was flagged: {', '.join(lost[:3])}",
        explanation=(
            f"{former.declaration_id} of {moment(former.time):%Y-%m-%d} was flagged at risk {former.risk} "
            f"({', '.join([*map(metal, former.elements), *former.codes])}). {after} later {how} has nearly the same mass "
            f"({mass}) and value, and lacks {', '.join(lost)}: {changed}. Hold the goods against both, and ask why it was "
            "changed."
        ),
        evidence=[
            Evidence(
                path="/items",
                observed=[_line(one), _line(former)],
                expected="what was flagged is still declared, or licensed",
                reference=f"window {_WINDOW.days} days of the party",
            )
        ],
        item=None,
        substances=tuple(metal(element) for element in former.elements),
        typologies=("T14",),
    )


def _line(one: Version) -> str:
    mass = "unknown mass" if one.grams is None else kg(one.grams)
    words = [f"{moment(one.time):%Y-%m-%d} {one.declaration_id} v{one.version} {mass}"]
    words += [f"USD {one.usd:,}"] if one.usd else []
    words += [f"code {one.heading}"] if one.heading else []
    words += [f"to {one.destination}"] if one.destination else []
    words += [", ".join(one.codes)] if one.codes else []
    return " ".join([*words, "(ended)"] if one.ended else words)


def _shown(one: Version) -> dict[str, Any]:
    """Return what is known in brief, by the names of the contract, for an alert on what the screen did not watch."""
    if one.watched:
        return {}
    item = {
        "number": 1,
        "commodity_code": one.heading or None,
        "net_mass_kg": None if one.grams is None else one.grams / 1000,
    }
    return {
        "declaration_id": one.declaration_id,
        "version": one.version,
        "regime": one.regime,
        "lodged_at": moment(one.time).isoformat(),
        "exporter": {"name": one.name} if one.name else None,
        "country_of_export": one.start or None,
        "country_of_destination": one.destination or None,
        "items": [item],
    }


PROFILE = Amendments()
