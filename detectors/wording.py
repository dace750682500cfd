"""What an alert says to a person: a title, and two or three sentences to act on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.finding import Finding

_ADVICE = {
    "MISLABEL-NAME": "Open the packages of the named item and test the metal (XRF); ask for the analysis certificate.",
    "MISLABEL-TEXT": "Compare the words with goods and code: open a package, and test metal or powder (XRF).",
    "MISLABEL-VALUE": "Ask for the invoice and the assay certificate, and test the goods (XRF).",
    "MISLABEL-CODE": "Check the classification against the description and the goods.",
    "MISLABEL-MASS": "Weigh and scan the cargo; look for dense pieces inside.",
    "MISLABEL-PURITY": "Have the purity analysed; compare with the threshold of the control.",
    "CONTROL-NO-LICENCE": "Hold until an export licence is shown or the goods are shown not to be controlled.",
    "CONTROL-PROHIBITED": "Hold: the export is prohibited on this day.",
    "LICENCE-MISUSED": "Compare the licence with the parties, the goods and the dates of the declaration.",
    "LICENCE-OVERDRAWN": "Compare the licensed quantity with the quantities drawn.",
    "VAGUE-DESCRIPTION": "Ask the declarant for a description that names the goods.",
    "ROUTE-TRANSIT": "Ask for the contract and the end-user statement of the last consignee.",
    "ROUTE-DESTINATION": "Ask who receives the goods last; compare the transport document with the declaration.",
    "ROUTE-DETOUR": "Ask the carrier for the reason of the route.",
    "ROUTE-SURGE": "Ask for contracts and end users of the last lots on this lane: what does the country need them for?",
    "ORIGIN-RELABEL": "Ask for the certificate of origin and the producer's lot numbers.",
    "SPLIT-SHIPMENTS": "Add up the lots named here, and examine the next one whole; ask for the order behind them.",
    "HAND-CARRIED": "Examine the luggage or parcel; ask who handed the goods over.",
    "PARTY-NEW": "Ask who the new party is: registration, licence, and how it comes to such goods.",
    "PARTY-LINKED": "Look up both parties in the company register: they share contacts.",
    "AMEND-EVASIVE": "Judge the goods by the version before the amendment; ask for the documents behind it.",
    "OUTLIER": "Check the named figures against invoice, packing list and scale; a mistyped unit explains many.",
    "OUTCOME": "Look at what inspections of such goods and parties found before, and inspect for the same.",
}


def _route(declaration: Mapping[str, Any]) -> str:
    start = declaration.get("country_of_export")
    end = declaration.get("country_of_destination")
    third = [c for c in declaration.get("routing") or [] if c not in (start, end)]
    via = f" via {', '.join(dict.fromkeys(third))}" if third else ""
    if start and end:
        return f"{start} to {end}{via}"
    return f"to {end}{via}" if end else ""


def title(findings: list[Finding], substances: list[str], declaration: Mapping[str, Any]) -> str:
    """Return the strongest finding's title with the route."""
    route = _route(declaration)
    said = findings[0].title
    said = said[:1].upper() + said[1:]
    return f"{said} ({route})"[:512] if route else said[:512]


def _goods(declaration: Mapping[str, Any], number: int | None) -> str | None:
    for item in declaration.get("items") or []:
        if item.get("number") != number:
            continue
        parts = []
        if item.get("description"):
            text = " ".join(str(item["description"]).split())
            parts.append(f"“{text if len(text) <= 90 else text[:87] + '…'}”")
        if item.get("commodity_code"):
            parts.append(f"code {item['commodity_code']}")
        if item.get("net_mass_kg"):
            parts.append(f"{item['net_mass_kg']:,.6g} kg")
        value = item.get("value")
        if value and value.get("amount"):
            parts.append(f"{value['amount']:,.0f} {value['currency']}")
        return f"Item {number}: {', '.join(parts)}." if parts else None
    return None


def summary(findings: list[Finding], substances: list[str], declaration: Mapping[str, Any]) -> str:
    """Return what was declared, why that is odd (the two strongest different grounds), and what to do."""
    said: list[str] = []
    item = next((f.item for f in findings if f.item is not None), None)
    goods = _goods(declaration, item)
    if goods:
        said.append(goods)
    codes: list[str] = []
    for finding in findings:
        if finding.code not in codes and len(codes) < 2:
            codes.append(finding.code)
            said.append(finding.explanation)
    advice = _ADVICE.get(findings[0].code)
    if advice:
        said.append(advice)
    return " ".join(said)[:8192]
