"""CUSDEC messages of our own, in both layouts; every row of the field map has its segment in each."""

from __future__ import annotations


def recounted(segments: list[str]) -> list[str]:
    """Return the segments of one message with the right count in UNT."""
    return [f"UNT+{len(segments) - 2}+{s.split('+')[2]}" if s.startswith("UNT+") else s for s in segments]


#: D.96B: GIS and group 30, alloys by sea from China to Thailand by way of Hong Kong, without UNA, a break behind each segment.
D96B = recounted(
    [
        "UNB+UNOC:3+CN7700:ZZ+CUSTOMS:ZZ+261120:0915+IC77",
        "UNH+M1+CUSDEC:D:96B:UN",
        "BGM+830+LRN-7:2+9",
        "CST++1040:117:ZZZ",
        "LOC+35+CN",
        "LOC+36+TH::5",
        "LOC+49+HK",
        "LOC+49+VNHPH",
        "LOC+22+CN2200:113",
        "LOC+42+CN5300:113",
        "DTM+137:202611200914:203",
        "MEA+AAE+AAD+TNE:0,42",
        "EQD+CN+MSCU1234567",
        "SEL+SL-1",
        "RFF+ABT:26 CN 12345678",
        "RFF+ABE:TRADER-9",
        "RFF+UCN:6CN1-INV9",
        "RFF+IV:INV-9",
        "DTM+171:20261101:102",
        "TDT+11++1++COSCO:172::COSCO Lines+++9123456:146::MV ASSAYER:PA",
        "TDT+1++3",
        "DOC+380+INV-9",
        "DTM+137:20261101:102",
        "NAD+DT+cn7700::ZZ",
        "NAD+AE+CN88++Broker Wang",
        "NAD+EX+CN99+Hunan Metals:12 Ore Road:Changsha",
        "CTA+IC+:Li Wei",
        "COM+?+86 731 555:TE",
        "COM+li@hunan.example:EM",
        "NAD+CN+++Siam Alloys+9 Rama IV Rd+Bangkok++10110+TH",
        "NAD+NI+++Notify Co",
        "MOA+39:9500,25:USD",
        "MOA+64:12:USD",
        "UNS+D",
        "CST+1+7901200000:108:ZZZ+400",
        "FTX+AAA+++Zinc alloy ingots:unwrought",
        "LOC+27+CN",
        "MEA+AAE+AAA+KGM:400,25",
        "MEA+AAE+AAB+KGM:420",
        "PAC+16++CS",
        "PCI+28+LOT 7:16 CASES",
        "MOA+40:9400:USD",
        "MOA+123:68000:CNY",
        "RFF+EX:CN26-XL-1",
        "DTM+36:20270101:102",
        "RFF+ABT:25CN00000001",
        "DOC+861+CO-1",
        "TAX+1+CUD",
        "MOA+55:100:CNY",
        "UNS+S",
        "CNT+5:1",
        "CNT+11:16",
        "UNT+0+M1",
        "UNZ+1+IC77",
    ]
)

#: D.19B: GEI and group 32, C106 and C819, two items, an import; service characters of its own.
D19B = recounted(
    [
        "UNB+UNOY:4+GB7:ZZ+HMRC+20261120:0915+77",
        "UNH+1+CUSDEC:D:19B:UN",
        "BGM+929:::IMD+LRN-8:3+5",
        "LOC+35+CN",
        "LOC+28+GB",
        "LOC+49+NL",
        "LOC+41+GB000060",
        "LOC+50+NL000396",
        "DTM+137:20261120091500?+01:304",
        "GEI+5+40:117",
        "FTX+AAI+++not a description",
        "RFF+AAE:26GB00000000000012",
        "TDT+20++40+++++BA0123:::Boeing 747:GB",
        "TDT+1++3",
        "DOC+730:::AWB+AWB-1:9",
        "NAD+CB+GB55++++Hull",
        "NAD+CZ+++Hunan Metals",
        "NAD+IM+GB66++Hartle Ltd+2 Dock Rd+Hull+HUMB::::HUMB+HU1 1AA+GB",
        "COM+0148 555:AL",
        "MOA+39:1000",
        "CUX+2:EUR:4",
        "UNS+D",
        "DMS+INV-1+380",
        "MOA+77:1000:EUR",
        "CST+1+28043000+4000C07",
        "FTX+AAA+1++Gallium:99.99 %",
        "FTX+AAA+++waste",
        "LOC+27+CNSHA",
        "MEA+AAE+AAF+GRM:1500",
        "MEA+AAE+AAE+KGM:2",
        "NAD+EX+++Item Exporter",
        "PAC+1++BX::6",
        "PCI++MARK A:MARK B",
        "MOA+38:600",
        "MOA+123:550:GBP",
        "RFF+IP:IL-9",
        "CST+7+8112929010:122+4000:117+1CS:110",
        "FTX+AAA+++Antimony",
        "LOC+27+CN",
        "MEA+WT++LBR:10",
        "PAC+3++CT",
        "MOA+63:400",
        "RFF+AAE:25GB00000000000034",
        "UNS+S",
        "CNT+7:6,5:KGM",
        "UNT+0+1",
        "UNZ+1+77",
    ]
)


def text(segments: list[str], end: str = "'\r\n") -> str:
    """Return an interchange as it is sent."""
    return "".join(segment + end for segment in segments)


def changed(segments: list[str], old: str, new: str | None) -> str:
    """Return an interchange with a segment put in another's place, or left out, and counted anew."""
    assert old in segments
    kept = [new if s == old else s for s in segments if s != old or new is not None]
    return text(recounted([s for s in kept if s is not None]))


def with_header(segments: list[str], *more: str) -> str:
    """Return an interchange with more segments in the header, counted anew."""
    at = segments.index("UNS+D")
    return text(recounted([*segments[:at], *more, *segments[at:]]))


def with_item(*inside: str, cst: str = "CST+1") -> str:
    """Return the D.96B message with other segments in its only item."""
    start, end = next(i for i, s in enumerate(D96B) if s.startswith("CST+1")), D96B.index("UNS+S")
    return text(recounted([*D96B[:start], cst, *inside, *D96B[end:]]))
