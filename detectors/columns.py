"""The column dictionary: every feature that a rule may use, with scope, type, unit and meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

Scope = Literal["item", "declaration"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the feature frames.

    ``scope`` "declaration" columns stand in the declaration frame and, repeated, in the item frame; "item" columns in
    the item frame only. ``path`` is the JSON pointer of what it was computed from (``{i}`` is the item's index), so that
    evidence can point into the declaration. What may come from several places has ``by``, the column that says from which,
    and ``paths``, the pointer for each of its values; ``path`` stands for any other.
    """

    name: str
    scope: Scope
    dtype: pl.DataType
    doc: str
    unit: str | None = None
    path: str = ""
    by: str | None = None
    paths: Mapping[str, str] = field(default_factory=dict, hash=False)


_TEXT = pl.String()
_FLAG = pl.Boolean()
_NUMBER = pl.Float64()
_COUNT = pl.UInt32()
_TEXTS = pl.List(pl.String())
_ITEM = "/items/{i}"
#: Where a substance may be named, and as what a country may stand in a declaration.
_NAMED = {"description": f"{_ITEM}/description", "marks": f"{_ITEM}/packages", "cas": f"{_ITEM}/cas"}
_TOWARDS = {
    "destination": "/country_of_destination",
    "consignee": "/consignee/country",
    "notify": "/notify/country",
}


def _declared() -> list[Column]:
    """Columns that stand in the declaration as sent."""
    party = [
        column
        for role in ("declarant", "agent", "exporter", "consignee", "notify", "carrier", "traveller")
        for column in (
            Column(f"{role}_country", "declaration", _TEXT, f"country of the {role}", path=f"/{role}/country"),
            Column(f"has_{role}", "declaration", _FLAG, f"whether a {role} is declared", path=f"/{role}"),
        )
    ]
    return [
        Column("version", "declaration", pl.Int32(), "version of the declaration, from 1", path="/version"),
        Column("day", "declaration", pl.Date(), "day of lodgement (UTC)", path="/lodged_at"),
        Column("event", "declaration", _TEXT, "lodged, amended, accepted, released, exited", path="/event"),
        Column(
            "regime", "declaration", _TEXT, "export, import, transit, entry_summary, passenger, postal", path="/regime"
        ),
        Column("procedure", "declaration", _TEXT, "customs procedure code", path="/procedure"),
        Column("office", "declaration", _TEXT, "customs office", path="/office"),
        Column("exit_office", "declaration", _TEXT, "customs office of exit", path="/exit_office"),
        Column("country_of_export", "declaration", _TEXT, "declared country of export", path="/country_of_export"),
        Column(
            "country_of_destination",
            "declaration",
            _TEXT,
            "declared country of destination",
            path="/country_of_destination",
        ),
        Column("routing", "declaration", _TEXTS, "declared countries of routing, in order", path="/routing"),
        Column("mode", "declaration", _TEXT, "mode of transport at the border", path="/transport/mode"),
        Column("container_count", "declaration", _COUNT, "containers declared", path="/transport/containers"),
        Column("declared_gross_kg", "declaration", _NUMBER, "gross mass of the declaration", "kg", "/gross_mass_kg"),
        Column("declared_package_count", "declaration", _NUMBER, "packages of the declaration", path="/package_count"),
        Column("item_count", "declaration", _COUNT, "items of the declaration", path="/items"),
        *party,
        Column("commodity_code", "item", _TEXT, "declared code, digits only", path=f"{_ITEM}/commodity_code"),
        Column("description", "item", _TEXT, "goods description as sent", path=f"{_ITEM}/description"),
        Column("origin", "item", _TEXT, "declared country of origin", path=f"{_ITEM}/origin"),
        Column("cas", "item", _TEXT, "declared CAS number", path=f"{_ITEM}/cas"),
        Column("net_mass_kg", "item", _NUMBER, "net mass; zero is null", "kg", f"{_ITEM}/net_mass_kg"),
        Column("gross_mass_kg", "item", _NUMBER, "gross mass; zero is null", "kg", f"{_ITEM}/gross_mass_kg"),
        Column("volume_m3", "item", _NUMBER, "volume; zero is null", "m3", f"{_ITEM}/volume_m3"),
        Column("value_amount", "item", _NUMBER, "value in its own currency", path=f"{_ITEM}/value/amount"),
        Column("value_currency", "item", _TEXT, "currency of the value", path=f"{_ITEM}/value/currency"),
        Column("quantity", "item", _NUMBER, "supplementary quantity", path=f"{_ITEM}/quantity/value"),
        Column("quantity_unit", "item", _TEXT, "unit of the quantity (UN/ECE Rec 20)", path=f"{_ITEM}/quantity/unit"),
        Column("package_count", "item", _NUMBER, "packages of the item", path=f"{_ITEM}/packages"),
        Column(
            "package_type", "item", _TEXT, "type of its first packages (UN/ECE Rec 21)", path=f"{_ITEM}/packages/0/type"
        ),
    ]


def _worded() -> list[Column]:
    """Columns read from descriptions, marks and codes (:mod:`detectors.goods`)."""
    text = f"{_ITEM}/description"
    code = f"{_ITEM}/commodity_code"
    return [
        Column(
            "named_substance",
            "item",
            _TEXT,
            "substance that text, marks or CAS name",
            path=text,
            by="named_where",
            paths=_NAMED,
        ),
        Column("named_element", "item", _TEXT, "its chemical element", path=text, by="named_where", paths=_NAMED),
        Column(
            "named_role",
            "item",
            _TEXT,
            "goods: the substance itself; hint: a weak sign; ingredient: part of an article",
            path=text,
        ),
        Column("named_strength", "item", _TEXT, "strong: names it beyond doubt; weak: has other meanings", path=text),
        Column(
            "named_term",
            "item",
            _TEXT,
            "the words, formula or number that named it",
            path=text,
            by="named_where",
            paths=_NAMED,
        ),
        Column("named_where", "item", _TEXT, "description, marks or cas", path=text),
        Column("named_hidden", "item", _FLAG, "found only after undoing a disguise of the letters", path=text),
        Column("named_watched", "item", _FLAG, "some regime requires a licence for it on the day", path=text),
        Column(
            "named_controlled", "item", _FLAG, "the exporting country requires a licence for it on the day", path=text
        ),
        Column(
            "code_fits_named", "item", _FLAG, "the code is one for the named substance; null without either", path=code
        ),
        Column("article_word", "item", _TEXT, "first word of a finished article in the description", path=text),
        Column("material_word", "item", _TEXT, "first word of a raw form (ingot, powder, drum)", path=text),
        Column("purity_pct", "item", _NUMBER, "highest purity stated, from 90 %", "%", text),
        Column("purity_text", "item", _TEXT, "the purity as written", path=text),
        Column("purity_nines", "item", _NUMBER, "the purity as a number of nines (99.99 % is 4)", path=text),
        Column("purity_unusual", "item", _FLAG, "99.999 % or more, on goods of a code that states none", path=text),
        Column(
            "purity_gap_nines",
            "item",
            _NUMBER,
            "nines by which the purity stays below a control's threshold",
            path=text,
        ),
        Column("purity_threshold_pct", "item", _NUMBER, "that threshold", "%", text),
        Column(
            "origin_produces",
            "item",
            _FLAG,
            "the declared origin mines, smelts or refines the named metal",
            path=f"{_ITEM}/origin",
        ),
        Column("vague", "item", _FLAG, "the description names nothing", path=text),
        Column("is_sample", "item", _FLAG, "a word for sample or gift", path=text),
        Column("in_bottle", "item", _FLAG, "a word for bottle or flask", path=text),
        Column("names_dear", "item", _FLAG, "a word for goods that are dear by themselves", path=text),
        Column("metal_hint", "item", _FLAG, "liquid, rare, pure metal without a name", path=text),
        Column("denies_origin", "item", _FLAG, "the text says 'not of Chinese origin' or the like", path=text),
        Column("denies_control", "item", _FLAG, "the text says 'not controlled' or the like", path=text),
        Column("code_substance", "item", _TEXT, "substance of the national control line that the code is", path=code),
        Column("text_denies_code", "item", _FLAG, "such a code, but the text names something else", path=text),
        Column("material_heading", "item", _FLAG, "goods of the code are sold as material, by weight", path=code),
    ]


def _controlled() -> list[Column]:
    """Columns of controls and licences (:mod:`detectors._licences`)."""
    code = f"{_ITEM}/commodity_code"
    documents = f"{_ITEM}/documents"
    return [
        Column("controlled", "item", _FLAG, "an export control in force on the day applies", path=code),
        Column("control_id", "item", _TEXT, "row of the control list", path=code),
        Column("control_instrument", "item", _TEXT, "the announcement or list", path=code),
        Column("control_substance", "item", _TEXT, "what the row controls", path=code),
        Column("controlled_substance", "item", _TEXT, "the controlled substance by its name in the lexicon", path=code),
        Column(
            "control_basis",
            "item",
            _TEXT,
            "code: national line; code+text: subheading and name; text: name only; heading: six digits only",
            path=code,
        ),
        Column("control_certain", "item", _FLAG, "the row is verified (others may warn only)", path=code),
        Column(
            "control_has_threshold", "item", _FLAG, "the row has a threshold that a declaration may not show", path=code
        ),
        Column("prohibition_id", "item", _TEXT, "row of a prohibition in force", path="/country_of_destination"),
        Column(
            "prohibited_country",
            "item",
            _TEXT,
            "the country it is about",
            path="/country_of_destination",
            by="prohibited_as",
            paths=_TOWARDS,
        ),
        Column(
            "prohibited_as",
            "item",
            _TEXT,
            "as what it stands: destination, consignee, notify",
            path="",
            by="prohibited_as",
            paths=_TOWARDS,
        ),
        Column("military_ban_id", "item", _TEXT, "row of a military end-use ban for the destination", path=""),
        Column("has_licence", "item", _FLAG, "the item has a licence document", path=documents),
        Column(
            "licence_expired_on", "item", _TEXT, "day the last licence expired, if before lodgement", path=documents
        ),
        Column("licence_holder_differs", "item", _FLAG, "its holder is neither exporter nor declarant", path=documents),
        Column(
            "licence_end_user_differs", "item", _FLAG, "its end user is neither consignee nor notify", path=documents
        ),
        Column("licence_kg", "item", _NUMBER, "licensed mass", "kg", documents),
        Column("licence_overdrawn", "item", _FLAG, "net mass exceeds the licensed mass by over 5 %", path=documents),
    ]


def _measured() -> list[Column]:
    """Columns of value and mass (:mod:`detectors._values`)."""
    value = f"{_ITEM}/value"
    mass = f"{_ITEM}/net_mass_kg"
    volume = f"{_ITEM}/volume_m3"
    return [
        Column("value_usd", "item", _NUMBER, "value at the day's ECB reference rate", "USD", value),
        Column(
            "mass_kg", "item", _NUMBER, "net mass; where missing, a quantity in units of mass; else gross", "kg", mass
        ),
        Column("usd_per_kg", "item", _NUMBER, "value by mass_kg", "USD/kg", value),
        Column("heading_low", "item", _NUMBER, "bottom of the declared heading's usual price", "USD/kg", value),
        Column("heading_high", "item", _NUMBER, "top of the declared heading's usual price", "USD/kg", value),
        Column("price_over_heading", "item", _NUMBER, "usd_per_kg as a multiple of heading_high", path=value),
        Column(
            "price_substance",
            "item",
            _TEXT,
            "controlled substance that the price fits best, asked from 1.5 times heading_high on (and of vague goods)",
            path=value,
        ),
        Column("price_substances", "item", _TEXTS, "all controlled substances that it fits", path=value),
        Column("price_low", "item", _NUMBER, "bottom of price_substance's band on the day", "USD/kg", value),
        Column("price_high", "item", _NUMBER, "top of price_substance's band on the day", "USD/kg", value),
        Column("price_fits_named", "item", _FLAG, "the price is in the named substance's band", path=value),
        Column("named_price_low", "item", _NUMBER, "bottom of the named substance's band", "USD/kg", value),
        Column("named_price_high", "item", _NUMBER, "top of the named substance's band", "USD/kg", value),
        Column("tare_share", "item", _NUMBER, "share of gross mass that is not net", path=mass),
        Column("net_over_gross", "item", _FLAG, "net mass is above gross mass", path=mass),
        Column("kg_per_package", "item", _NUMBER, "net mass by packages", "kg", mass),
        Column("bulk_density", "item", _NUMBER, "gross mass by volume", "kg/m3", volume),
        Column("density_max", "item", _NUMBER, "the most that such goods weigh, packed", "kg/m3", volume),
        Column("density_over", "item", _NUMBER, "bulk_density as a multiple of density_max", path=volume),
        Column("light_goods", "item", _FLAG, "goods that pack at 1,000 kg/m3 at the most", path=mass),
        Column("total_net_kg", "declaration", _NUMBER, "net mass of all items", "kg", "/items"),
        Column("total_gross_kg", "declaration", _NUMBER, "gross mass, declared or summed", "kg", "/gross_mass_kg"),
        Column("total_usd", "declaration", _NUMBER, "value of all items", "USD", "/items"),
        Column("kg_per_container", "declaration", _NUMBER, "gross mass by containers", "kg", "/transport/containers"),
        Column("all_light_goods", "declaration", _FLAG, "every item is of light goods", path="/items"),
        Column(
            "container_over",
            "declaration",
            _NUMBER,
            "kg_per_container as a multiple of a 40-foot container full of the densest goods declared",
            path="/gross_mass_kg",
        ),
        Column(
            "total_net_over_gross", "declaration", _FLAG, "net masses sum to more than gross", path="/gross_mass_kg"
        ),
    ]


def _routed() -> list[Column]:
    """Columns of routes and parties (:mod:`detectors._routes`, :mod:`detectors._parties`)."""
    way = "/routing"
    return [
        Column(
            "exporting_from", "declaration", _TEXT, "country whose export controls apply", path="/country_of_export"
        ),
        Column(
            "express", "declaration", _FLAG, "the carrier's or declarant's name is a courier's", path="/carrier/name"
        ),
        Column("luggage", "declaration", _FLAG, "passenger or postal traffic", path="/regime"),
        Column(
            "concerned_substances", "declaration", _TEXTS, "controlled substances that items name or are", path="/items"
        ),
        Column(
            "has_concerned",
            "declaration",
            _FLAG,
            "some item names or is a substance that a regime controls",
            path="/items",
        ),
        Column("has_controlled", "declaration", _FLAG, "some item is under an export control in force", path="/items"),
        Column("route_km", "declaration", _NUMBER, "length of the declared route by great circles", "km", way),
        Column("direct_km", "declaration", _NUMBER, "great circle from export to destination", "km", way),
        Column("detour_ratio", "declaration", _NUMBER, "route_km by direct_km", path=way),
        Column("detour_extra_km", "declaration", _NUMBER, "route_km less direct_km", "km", way),
        Column(
            "third_countries",
            "declaration",
            _TEXTS,
            "countries passed that are neither export nor destination",
            path=way,
        ),
        Column("third_country_count", "declaration", _COUNT, "their number", path=way),
        Column("via_hub", "declaration", _TEXT, "a re-export hub among them", path=way),
        Column("returns_home", "declaration", _FLAG, "the route passes its start or end more than once", path=way),
        Column(
            "crosses_land_border",
            "declaration",
            _FLAG,
            "leaves by road or rail into a country that borders the country of export",
            path="/transport/mode",
        ),
        Column(
            "destination_is_hub",
            "declaration",
            _FLAG,
            "the destination is a re-export hub",
            path="/country_of_destination",
        ),
        Column("risk_country", "declaration", _TEXT, "country that sources saw the substance pass through", path=way),
        Column("risk_country_is", "declaration", _TEXT, "on the way, or destination", path=way),
        Column(
            "onward_country",
            "declaration",
            _TEXT,
            "country of a notify party or consignee beyond the declared destination",
            path="",
            by="onward_role",
            paths=_TOWARDS,
        ),
        Column("onward_role", "declaration", _TEXT, "which of them", path="", by="onward_role", paths=_TOWARDS),
        Column(
            "shared_contacts",
            "declaration",
            _TEXTS,
            "kinds of contact that sender and receiver share, if two or more",
            path="/consignee",
        ),
        Column("shared_contact_count", "declaration", _COUNT, "their number", path="/consignee"),
        Column(
            "consignee_forwards", "declaration", _FLAG, "the consignee's name is a forwarder's", path="/consignee/name"
        ),
        Column(
            "military_end_user",
            "declaration",
            _FLAG,
            "consignee, notify party or a licence's end user is military by name",
            path="/consignee/name",
        ),
    ]


COLUMNS: dict[str, Column] = {
    column.name: column for column in (*_declared(), *_worded(), *_controlled(), *_measured(), *_routed())
}
