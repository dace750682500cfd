"""Service codes of UN/EDIFACT: syntax errors (data element 0085) and repertoires (0001)."""

from __future__ import annotations

from typing import Final

#: Data element 0085, "Syntax error, coded", as far as this reader tells mistakes apart (UN/EDIFACT service code list).
UNSUPPORTED_SYNTAX, INVALID, MISSING, UNSPECIFIED = "2", "12", "13", "18"
INVALID_CHARACTER, INVALID_SERVICE_CHARACTER = "21", "22"
REFERENCES_DIFFER, COUNT_DIFFERS, OUT_OF_PLACE = "28", "29", "33"

#: Data element 0001, "Syntax identifier": its repertoire. UNOX (ISO 2022) is taken with the sets that Python's widest one knows;
#: UNOW and UNOY are ISO 10646, which is sent as UTF-8.
CODE_PAGES: Final = {
    "UNOA": "ascii",
    "UNOB": "ascii",
    "UNOC": "iso8859-1",
    "UNOD": "iso8859-2",
    "UNOE": "iso8859-5",
    "UNOF": "iso8859-7",
    "UNOG": "iso8859-3",
    "UNOH": "iso8859-4",
    "UNOI": "iso8859-6",
    "UNOJ": "iso8859-8",
    "UNOK": "iso8859-9",
    "UNOL": "iso8859-15",
    "UNOW": "utf-8",
    "UNOX": "iso2022_jp_2",
    "UNOY": "utf-8",
}
