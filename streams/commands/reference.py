"""``assay reference``: look into the reference tables, as they stand on a day."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import typer

from streams.output import as_json, console, table

if TYPE_CHECKING:
    from detectors.reference import Reference

Row = dict[str, Any]

_EXAMPLE = "Example: assay reference show --on 2026-11-28 --table controls --substance gallium"


def _span(entry: Any) -> str:
    if entry.since is None and entry.until is None:
        return "undated"
    return f"{entry.since or '...'} to {entry.until}" if entry.until else f"since {entry.since}"


def _about(wanted: str | None, names: Iterable[str]) -> bool:
    """Tell whether one of the names contains what is wanted; a symbol (Ga) must be one of them."""
    if wanted is None:
        return True
    return any(wanted == name or (len(name) > 2 and wanted.casefold() in name.casefold()) for name in names)


def _controls(reference: Reference, day: date, substance: str | None) -> list[Any]:
    in_force = reference.controls_on(day)
    named = [e for e in in_force if _about(substance, (e.substance, *e.substances, *e.elements))]
    scopes = {e.scope for e in named}
    # What blanket rows forbid for the substance belongs to the answer.
    rows = {e.row_id for e in named}
    return [e for e in in_force if e.row_id in rows or scopes & set(e.covers)]


def _control_rows(entries: list[Any]) -> list[Row]:
    """One line for each substance and measure: its commodity codes together."""
    lines: dict[tuple[str, ...], Row] = {}
    for e in entries:
        key = (e.instrument, e.substance, e.form or "", e.measure, *e.destinations)
        line = lines.setdefault(
            key,
            {
                "substance": e.substance,
                "measure": e.measure.replace("_", " "),
                "to": e.destination_note or " ".join(e.destinations),
                "codes": "",
                "in force": _span(e),
                "certainty": "",
                "list": e.scope,
            },
        )
        for column, value in (
            ("codes", e.code10 or e.code8 or e.hs6),
            ("certainty", e.certainty),
        ):
            if value and value not in line[column].split():
                line[column] = f"{line[column]} {value}".strip()
    return list(lines.values())


def _suspension_rows(entries: list[Any]) -> list[Row]:
    return [
        {
            "suspension": s.suspension_id,
            "instrument": s.instrument,
            "scopes": " ".join(s.scopes),
            "measures": ", ".join(m.replace("_", " ") for m in s.measures),
            "span": _span(s),
            "formal": "yes" if s.formal else "reported only",
            "status": s.status,
        }
        for s in entries
    ]


def _lexicon_rows(entries: list[Any]) -> list[Row]:
    return [
        {
            "substance": e.substance,
            "element": e.element,
            "CAS": " ".join(e.cas),
            "strong": ", ".join(t.text for t in e.terms if t.strength == "strong" and t.kind != "cas"),
            "weak": ", ".join(t.text for t in e.terms if t.strength == "weak"),
            "headings": " ".join(e.headings),
            "status": e.status,
        }
        for e in entries
    ]


def _price_rows(entries: list[Any]) -> list[Row]:
    return [
        {
            "substance": b.substance,
            "form": b.form,
            "USD/kg": f"{b.low:g} to {b.high:g}",
            "span": _span(b),
            "status": b.status + (", extrapolated" if b.extrapolated else ""),
            "basis": b.basis,
        }
        for b in entries
    ]


def _heading_rows(entries: list[Any]) -> list[Row]:
    return [
        {"prefix": b.prefix, "goods": b.goods, "USD/kg": f"{b.low:g} to {b.high:g}", "status": b.status}
        for b in entries
    ]


def _country_rows(entries: list[Any]) -> list[Row]:
    return [
        {
            "code": c.iso2,
            "country": c.name,
            "region": c.region,
            "borders": " ".join(c.borders),
            "hub": "hub" if c.hub else None,
            "transit risk": ", ".join(f"{r.substance} ({r.grade})" for r in c.transit_risk),
        }
        for c in entries
    ]


def _countries(reference: Reference, day: date, substance: str | None) -> list[Any]:
    """All countries; with a substance those that produce it or that it was seen passing through."""
    if substance is None:
        return list(reference.countries.values())
    makers = {c for name, where in reference.producers.items() if _about(substance, (name,)) for c in where}
    return [
        c
        for c in reference.countries.values()
        if c.iso2 in makers or any(_about(substance, (r.substance,)) for r in c.transit_risk)
    ]


_Choose = Callable[["Reference", date, str | None], list[Any]]
_Draw = Callable[[list[Any]], list[Row]]
_TABLES: dict[str, tuple[_Choose, _Draw]] = {
    "controls": (_controls, _control_rows),
    "suspensions": (lambda reference, day, _: list(reference.suspensions_on(day)), _suspension_rows),
    "lexicon": (
        lambda reference, _, wanted: [e for e in reference.lexicon if _about(wanted, (e.substance, e.element or ""))],
        _lexicon_rows,
    ),
    "prices": (
        lambda reference, day, wanted: [b for b in reference.price_bands_on(day) if _about(wanted, (b.substance,))],
        _price_rows,
    ),
    "headings": (lambda reference, *_: sorted(reference.heading_bands, key=lambda b: b.prefix), _heading_rows),
    "countries": (_countries, _country_rows),
}


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is not a day; write it as YYYY-MM-DD, e.g. 2024-12-03", param_hint="--on"
        ) from error


def register(app: typer.Typer) -> None:
    """Add ``assay reference``."""
    commands = typer.Typer(help="Control lists, lexicon, prices and countries.", no_args_is_help=True)
    app.add_typer(commands, name="reference")

    @commands.callback()
    def _group() -> None:
        pass

    @commands.command(epilog=_EXAMPLE)
    def show(
        on: str | None = typer.Option(None, "--on", help="Day, YYYY-MM-DD (default: today, UTC).", metavar="DATE"),
        table_name: str = typer.Option("controls", "--table", help=f"One of: {', '.join(_TABLES)}.", metavar="TABLE"),
        substance: str | None = typer.Option(None, "--substance", help="Only this substance or element (Ga)."),
        json_wanted: bool = typer.Option(False, "--json", help="Print JSON."),
    ) -> None:
        """Show what a reference table says on a day."""
        day = _day(on)
        if table_name not in _TABLES:
            raise typer.BadParameter(
                f"{table_name!r} is not a table; choose from {', '.join(_TABLES)}", param_hint="--table"
            )
        from detectors.reference import load

        reference = load()
        choose, draw = _TABLES[table_name]
        entries = choose(reference, day, substance)
        if json_wanted:
            rows = [entry.model_dump(mode="json") for entry in entries]
            if table_name == "controls":
                rows = [row | {"can_prohibit": e.can_prohibit} for row, e in zip(rows, entries, strict=True)]
            as_json({"on": day, "table": table_name, "version": reference.version, "rows": rows})
            return
        if not entries:
            about = f" about {substance}" if substance else ""
            console.print(f"Nothing in {table_name}{about} on {day}.")
            return
        lines = draw(entries)
        table(lines, list(lines[0]), f"{table_name} on {day}: {len(entries)} entries (reference {reference.version})")
        if table_name == "controls":
            for suspension in reference.suspensions_on(day):
                kind = "suspended" if suspension.formal else "suspension reported, not seen"
                measures = ", ".join(m.replace("_", " ") for m in suspension.measures)
                console.print(
                    f"{kind} until {suspension.until}: {measures} of {' '.join(suspension.scopes)} "
                    f"({suspension.instrument})"
                )
