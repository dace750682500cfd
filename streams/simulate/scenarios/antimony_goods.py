"""What antimony smuggling ships: ingots under their own code, or under that of something cheaper."""

from __future__ import annotations

from datetime import datetime

from streams.simulate import wording
from streams.simulate.compose import Item, document, item, licence
from streams.simulate.firms import Party
from streams.simulate.prices import paid
from streams.simulate.substances import ANTIMONY
from streams.simulate.world import World

_COVERS = (
    ("7801910000", "lead-antimony alloy"),
    ("7801910000", "铅锑合金"),
    ("8007000000", "tin articles"),
    ("7202990000", "iron alloy"),
    ("6902200000", "refractory material"),
)


def ingots(
    world: World,
    when: datetime,
    tonnes: int,
    *,
    number: int = 1,
    covered: bool = False,
    licensed: tuple[Party, Party] | None = None,
    packs: tuple[tuple[str, float], ...] = ANTIMONY.packs,
) -> Item:
    """Return an item of antimony ingots: ``covered`` under another name, ``licensed`` with (holder, end user)."""
    chance = world.chance
    net = tonnes * 1000.0
    pack, kg_pack = chance.one(packs)
    code, text = ANTIMONY.code, wording.plain(ANTIMONY, chance)
    if covered:
        code, text = chance.one(_COVERS)
    papers = [document("N380", f"INV{chance.digits(6)}")] if chance.maybe(0.6) else []
    if licensed is not None:
        holder, end_user = licensed
        papers.append(licence(when, chance.digits(6), net * chance.between(1.0, 3.0), holder["name"], end_user["name"]))
    return item(
        number,
        code,
        text,
        net,
        net * paid("antimony", when.date(), chance),
        pack,
        kg_pack,
        origin="CN" if chance.maybe(0.5) else None,
        marks=f"Sb {chance.one(ANTIMONY.grades)}" if not covered and chance.maybe(0.3) else None,
        documents=papers,
    )
