"""Mutations that keep the structure of a feed's format, so that the fuzzer gets past its parser.

Each takes the bytes of a message, a source of chance, and the seeds to take parts from; each gives bytes that are usually
well-formed, or None where the message is too broken for it: then libFuzzer's own mutations serve.
"""

from __future__ import annotations

import copy
import csv
import io
import json
import math
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

from lxml import etree

#: What messages should not say and some day will: numbers at the edges, impossible dates, characters of other scripts and of
#: every syntax, texts longer than any field, codes that mean something somewhere.
TEXTS = """0|-0|-1|1|9|10|00|007|1999|2147483648|9223372036854775808|1e5|1e308|1e309|1E+2|-1e-9|NaN|nan
Infinity|-inf|0x10|1_000|1,5|1.234,5
.5|5.|+5|１２|٣|½|²|true|null|None|20260229|20261131|20261120|261120|202611200915|20261120091500+01|20261120091500Z|20261120096000
2026-11-20|2026-02-30
2026-11-20T08:15:00|2026-11-20T08:15:00+25:00|2026-11-20T24:00:00Z
0001-01-01T00:00:00+14:00|9999-12-31T23:59:59-14:00
00000000|99991231|00010101|12/31/26|1/9/2026|13/13/26|2026-W01|GB|gb|XX|UK|USD|usd|KGM|GRM|TNE|LBR|KGM#G|NAR
CC015C|CC013C|EXD|IMA|COR|INV|9|13
42A|67A|68A|68A.1|26GB4MJQTAG3X8NAR8|26gb 1234 5678 90AR5|a:b|:|::|/|#|~|~1|-|?|'|"|+|*|{{x}}|${x}|{|}|<|>|&|]]>|\\|%|%s
LRN-7|UCR-1|é|ß|İ|ı|ﬁ|�|a\u0301|\u200b|\u202e|\ufeff|\u00a0|\u2028|\u0085|\U0001f4a9|\ud7ff|EXPORT|import|1000|4000C07|0100|FUN|Z|DCR""".replace(
    "\n", "|"
).split("|")
LONG = ("A" * 36, "9" * 41, "x" * 65, "é" * 257, "7" * 400, "y" * 2001, "ab " * 1400, "z" * 20_000, "1" * 5000)

LEAVES = (None, True, False, 0, -1, 1.5, -0.0, 10**18, 10**30, 1e300, 1e-300, 2**63, "", [], {}, [[]], [None], math.nan)

#: libFuzzer's own mutation of some bytes, at most so many: ``atheris.Mutate``.
Native = Callable[[bytes, int], bytes]
Mutation = Callable[[bytes, Random, list[bytes], Native], bytes | None]


def _text(old: str, chance: Random, native: Native, others: list[str]) -> str:
    """Return another text for a leaf, a cell or a component."""
    which = chance.random()
    if which < 0.4:
        return chance.choice(TEXTS)
    if which < 0.45:
        return chance.choice(LONG)
    if which < 0.6 and others:
        return chance.choice(others)
    if which < 0.7:
        return (
            chance.choice((" ", "\n", "\t", "")) + old + chance.choice(("", " ", "0", "?", "-", chance.choice(TEXTS)))
        )
    if which < 0.8:
        at = chance.randrange(len(old) + 1)
        return old[:at] + chance.choice(TEXTS) + old[at + chance.randrange(3) :]
    if which < 0.85:
        return chance.choice((old.lower(), old.upper(), old[::-1], old * 2, old[: len(old) // 2]))
    return native(old.encode(), len(old) + 8).decode("utf-8", "replace")


_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
_UNFIT = dict.fromkeys([*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF])


def _parsed(raw: bytes) -> etree._Element | None:
    try:
        return etree.fromstring(raw, _PARSER)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _change_element(root: etree._Element, chance: Random, native: Native, donor: etree._Element | None) -> None:
    every = [e for e in root.iter() if isinstance(e.tag, str)]
    here = chance.choice(every)
    above = here.getparent()
    which = chance.random()
    if which < 0.4:
        leaves = [e for e in every if not len(e)] or every
        leaf = chance.choice(leaves)
        texts = [e.text for e in leaves if e.text]
        leaf.text = _text(leaf.text or "", chance, native, texts).translate(_UNFIT)
    elif which < 0.5 and above is not None:
        above.remove(here)
    elif which < 0.6 and above is not None:
        for _ in range(chance.choice((1, 1, 1, 2, 9, 60)) if len(every) < 400 else 1):
            above.insert(chance.randrange(len(above) + 1), copy.deepcopy(here))
    elif which < 0.66 and above is not None:
        above.remove(here)
        chance.choice(list(root.iter("*"))).append(here)
    elif which < 0.72:
        here.tag = chance.choice(every).tag
    elif which < 0.8 and donor is not None:
        here.append(copy.deepcopy(chance.choice(list(donor.iter("*")))))
    elif which < 0.86 and donor is not None and above is not None:
        above.replace(here, copy.deepcopy(chance.choice(list(donor.iter("*")))))
    elif which < 0.92:
        known = {name for e in every for name in e.attrib} or {"unitCode", "currencyID", "formatCode", "id"}
        here.set(chance.choice(sorted(map(str, known))), _text("", chance, native, []).translate(_UNFIT))
    elif which < 0.95:
        here.text = (_text(here.text or "", chance, native, [])).translate(_UNFIT)  # text beside children
    elif which < 0.97 and above is not None:
        at = above.index(here)
        deep = here
        for _ in range(chance.choice((1, 2, 30, 260))):
            wrap = etree.Element(here.tag)
            wrap.append(deep)
            deep = wrap
        above.insert(at, deep)
    else:
        for child in sorted(here, key=lambda _: chance.random()):
            here.append(child)


def xml(raw: bytes, chance: Random, seeds: list[bytes], native: Native) -> bytes | None:
    """Change elements, texts and attributes; now and then the code page."""
    root = _parsed(raw)
    if root is None:
        root = _parsed(chance.choice(seeds))
    if root is None:
        return None
    donor = _parsed(chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        with suppress(ValueError):  # a name or a text that XML does not allow: nothing changed
            _change_element(root, chance, native, donor)
    page = chance.choice(("utf-8",) * 12 + ("utf-16", "iso-8859-1", "windows-1252", "us-ascii"))
    return etree.tostring(root, encoding=page, xml_declaration=chance.random() < 0.2 or page != "utf-8")


def edifact(raw: bytes, chance: Random, seeds: list[bytes], native: Native) -> bytes | None:
    """Change segments, elements and components, and mostly count them anew."""

    def cut(source: bytes) -> list[str]:
        return source.decode("latin-1").replace("\r\n", "").replace("\n", "").split("'")[:-1]

    segments = cut(raw)
    if len(segments) < 3:
        segments = cut(chance.choice(seeds))
        if len(segments) < 3:
            return None
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        at = chance.randrange(len(segments))
        which = chance.random()
        if which < 0.12:
            del segments[at]
        elif which < 0.22:
            segments[at:at] = [segments[at]] * chance.choice((1, 1, 2, 40))
        elif which < 0.3:
            other = chance.randrange(len(segments))
            segments[at], segments[other] = segments[other], segments[at]
        elif which < 0.42:
            segments.insert(at, chance.choice(cut(chance.choice(seeds)) or [""]))
        elif which < 0.46:
            start = chance.randrange(len(segments))
            segments[at:at] = segments[start : start + chance.randrange(1, 12)]
        else:
            elements = segments[at].split("+")
            place = chance.randrange(len(elements))
            components = elements[place].split(":")
            inside = chance.randrange(len(components))
            if which < 0.85:
                old = components[inside]
                components[inside] = _text(old, chance, native, [s[:3] for s in segments])
            elif which < 0.9:
                components.insert(inside, chance.choice(TEXTS))
            elif which < 0.95:
                del components[inside]
            elements[place] = ":".join(components)
            if which > 0.97:
                del elements[place]
            elif which > 0.95:
                elements.insert(place, "")
            segments[at] = "+".join(elements)
        if not segments:
            return None
    if chance.random() < 0.85:
        _count_anew(segments)
    text = "".join(segment + "'" + ("\r\n" if chance.random() < 0.02 else "") for segment in segments)
    if chance.random() < 0.05:
        text = chance.choice(("UNA:+.? '", "UNA:+,? '", "UNA:+.?*'", "UNA:::::'", "UNA+:,?*~", "UNA:+.! '")) + text
    return text.encode(chance.choice(("latin-1", "utf-8")), "replace")


def _count_anew(segments: list[str]) -> None:
    start = messages = 0
    reference = ""
    for number, segment in enumerate(segments):
        elements = segment.split("+")
        if elements[0] == "UNH":
            start, messages, reference = number, messages + 1, elements[1] if len(elements) > 1 else ""
        elif elements[0] == "UNT":
            segments[number] = f"UNT+{number - start + 1}+{reference}"
        elif elements[0] == "UNZ":
            segments[number] = f"UNZ+{messages}+{elements[2] if len(elements) > 2 else ''}"
            messages = 0


def table(raw: bytes, chance: Random, seeds: list[bytes], native: Native) -> bytes | None:
    """Change cells, rows and columns of a semicolon table."""
    try:
        rows = list(csv.reader(io.StringIO(raw.decode("cp1252", "replace"), newline=""), delimiter=";"))
    except csv.Error:
        return None
    if not rows:
        return None
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        at = chance.randrange(len(rows))
        which = chance.random()
        cells = [cell for row in rows for cell in row]
        if which < 0.7 and rows[at]:
            at = at or (chance.random() < 0.8 and chance.randrange(len(rows))) or 0
            if not rows[at]:
                continue
            place = chance.randrange(len(rows[at]))
            rows[at][place] = _text(rows[at][place], chance, native, cells)
        elif which < 0.8:
            rows[at:at] = [list(rows[at]) for _ in range(chance.choice((1, 1, 2, 60)))]
        elif which < 0.86 and len(rows) > 2:
            del rows[at]
        elif which < 0.9:
            other = chance.randrange(len(rows))
            rows[at], rows[other] = rows[other], rows[at]
        elif which < 0.95:
            rows[at] = rows[at][: chance.randrange(len(rows[at]) + 1)]
        else:
            rows[at].insert(chance.randrange(len(rows[at]) + 1), chance.choice(TEXTS))
    out = io.StringIO()
    csv.writer(out, delimiter=";", quoting=chance.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))).writerows(rows)
    return out.getvalue().encode(chance.choice(("cp1252",) * 6 + ("utf-8", "utf-8-sig")), "replace")


def _places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    waiting = [value]
    while waiting:
        here = waiting.pop()
        inside = here.items() if isinstance(here, dict) else enumerate(here) if isinstance(here, list) else ()
        for key, child in inside:
            found.append((here, key))
            waiting.append(child)
    return found


def json_tree(raw: bytes, chance: Random, seeds: list[bytes], native: Native) -> bytes | None:
    """Change members, elements and leaves of a JSON document."""
    try:
        whole = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(whole, dict | list) or not whole:
        return None
    donor = json.loads(chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        places = _places(whole, [])
        if not places:
            break
        inside, key = chance.choice(places)
        old = inside[key]
        which = chance.random()
        if which < 0.35:
            inside[key] = _text(str(old)[:500], chance, native, [])
        elif which < 0.5:
            inside[key] = copy.deepcopy(chance.choice(LEAVES))
        elif which < 0.6:
            del inside[key]
        elif which < 0.7:
            inside[key] = [old] * chance.choice((1, 2, 60))
        elif which < 0.78 and isinstance(old, list) and old:
            old.extend(copy.deepcopy(old[: chance.randrange(1, 9)]))
        elif which < 0.86:
            there, other = chance.choice(_places(donor, []))
            inside[key] = copy.deepcopy(there[other])
        elif which < 0.94 and isinstance(inside, dict):
            inside[chance.choice([str(key), *TEXTS, *(str(k) for _, k in places)])] = inside.pop(key)
        else:
            for _ in range(chance.choice((1, 3, 120))):
                old = {str(key): old} if chance.random() < 0.5 else [old]
            inside[key] = old
    try:
        text = json.dumps(whole, ensure_ascii=chance.random() < 0.5)
    except (ValueError, RecursionError):
        return None
    return text.encode("utf-8", "surrogatepass")
