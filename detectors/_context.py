"""What stands around a substance's name and changes what it means: a denial, a share, a salt, a street, an ingot, a bottle."""

from __future__ import annotations

import re

_LETTERS = re.compile(r"[^\W\d_]+")
_HAN = re.compile("[\u4e00-\u9fff]+")
# Words that make an element's name that of one of its salts, right after it.
_SALT = re.compile(
    r"[ -](?:sub|tri|tetra|penta|di|hexa)?(?:citrate|nitrate|chloride|fluoride|bromide|iodide|sul(?:f|ph)ate|acetate|carbonate|"
    r"salicylate|gallate|phosphate|hydroxide|maltolate|stearate|octoate|acetylacetonate|vanadate|titanate|yellow|orange)s?(?!\w)"
)
# Their salts are not controlled as the metal is; those of the rare earths are.
_SALTS_APART = frozenset("gallium germanium antimony bismuth tellurium indium molybdenum tungsten".split())
# What makes a name before it that of a place or a firm.
_NAME_OF = re.compile(
    r" (?:street|road|avenue|lane|boulevard|strasse|str\.|ulitsa|"
    r"corp|corporation|inc|incorporated|ltd|limited|llc|gmbh|brand)(?!\w)"
)
# What makes a name before it that of a trace, a coat or a treatment: "germanium infused", "yttria toughened".
_PROPERTY = re.compile(
    r"[ -](?:partially[ -])?(?:stabili[sz]ed|toughened|doped|coated|plated|infused|impregnated|lined|tipped|bonded|"
    r"reinforced|treated|activated|promoted)(?!\w)"
)
# Base metals right before a name: "tin-antimony alloy", "copper tungsten rods" are alloys of theirs.
_ALLOYED_WITH = re.compile(
    r"(?:tin|copper|nickel|cobalt|iron|steel|chrom\w*|calcium|silver|magnesium|titanium|zinn|kupfer|锡|铜|镍)[ -]$"
)
_ALLOYING = frozenset("antimony bismuth tungsten molybdenum tellurium indium".split())
# An article's name that only tells the grade: "detector grade".
_GRADE = re.compile(r"\w* ?grade")
# Second halves of Germanic compounds that keep the first half the goods: "Galliummetall", "Antimonpulver".
_FORM_ENDING = re.compile(
    r"(?:metall?|barren|pulver|poeder|granulat|granalien|(?:di|tri|pent)?oxide?|block|tackor|schrott|erz|staub|salz)\w{0,2}"
)
# Cast forms: an ingot is never an ingredient of an article, unless the article is right behind it ("ingot mould").
_CAST = re.compile(
    r"[ /,(-]{0,2}(?:metal )?(?:ingots?|barren|lingots?|слитки|слитков|чушки|锭|錠|インゴット|잉곳|külçe)"
    r"(?! ?(?:mould|mold|cast|case))|[ ,(-]{0,2}(?:mixed (?:with|into|in)|hidden (?:in|under)|concealed in|inside) "
)
# A container behind the word for what it is made of: "plastic bottle", "steel drum", 塑料桶.
_CONTAINER = re.compile(
    r"\w{0,3} ?(?:bottle|drum|jar|flask|vial|ampoule|barrel|keg|tub|canister|container|bag|"
    r"flasche|fass|fässer|botella|bidon|flacon|fût|瓶|桶|罐|袋)"
)
_PACKING = re.compile(
    r"plastic|glass|pvc|polymer|ceramic|steel|stainless|water|塑料|塑膠|玻璃|钢|鋼|陶瓷|acero|acier|stahl"
)
_SHARE_AFTER = re.compile(r"[\s:,(=<≤~-]{0,4}(?:max\.? ?)?(?<!\d)(\d{1,2}(?:[.,]\d+)?) ?(?:%|wt|ppm|mg)")
_SHARE_BEFORE = re.compile(r"(?<![\d.,])(\d{1,2}(?:[.,]\d+)?) ?(?:%|wt%|ppm) ?(?:of )?$")
_GRAMS_BEFORE = re.compile(
    r"(?<![\d.,])\d{1,2}(?:[.,]\d+)? ?(?:g|gr|gram|grams|gramm|gramos|grammes|mg|г|гр|克|公克)\b[^\d,;]{0,8}$"
)


def is_salt(substance: str, folded: str, end: int) -> bool:
    """Tell whether the name at ``end`` goes on as that of a salt of an element whose salts are apart from the metal."""
    return substance in _SALTS_APART and _SALT.match(folded, end) is not None


def is_name_of_another(folded: str, end: int) -> bool:
    """Tell whether the name ending at ``end`` is part of the name of a street, a firm or a brand."""
    return _NAME_OF.match(folded, end) is not None


def is_trait(substance: str, folded: str, start: int, end: int) -> bool:
    """Tell whether the name tells of a trait of other goods: a coat, a dope, or a share of an alloy named after both."""
    if _PROPERTY.match(folded, end) is not None:
        return True
    return substance in _ALLOYING and _ALLOYED_WITH.search(folded[max(0, start - 12) : start]) is not None


def is_gapped(term: str, original: str) -> bool:
    """Tell whether a Chinese name stands in a text only with gaps or signs between its characters: 氧 化 镓."""
    return len(term) > 1 and _HAN.fullmatch(term) is not None and term not in original


def is_cast(term: str, folded: str, end: int) -> bool:
    """Tell whether a substance is said to be in ingots, or among other goods."""
    return _CAST.match(folded, end) is not None or _CAST.search(term) is not None


def goes_on(folded: str, start: int, end: int) -> bool:
    """Tell whether a stem is only the beginning of a longer Latin word ("yttriumstabilisiert"): a property, not a name."""
    rest = _LETTERS.match(folded, end)
    if rest is None or len(rest.group()) <= 4 or not folded[start:end].isascii():
        return False
    return _FORM_ENDING.fullmatch(rest.group()) is None


def portion(folded: str, start: int) -> bool:
    """Tell whether some grams stand right before the name: what a kit or another article holds of it."""
    return _GRAMS_BEFORE.search(folded[max(0, start - 20) : start]) is not None


def minor(folded: str, start: int, end: int) -> bool:
    """Tell whether a share below half stands right beside the name: an additive, not the goods."""
    after = _SHARE_AFTER.match(folded, end)
    before = _SHARE_BEFORE.search(folded[max(0, start - 16) : start])
    shares = [float(m.group(1).replace(",", ".")) for m in (after, before) if m]
    return bool(shares) and max(shares) < 50


def denied(folded: str, start: int, end: int, negations: list[tuple[int, int]]) -> bool:
    """Tell whether a negation stands right before the name ("free of", 不含) or right after it ("-free")."""
    before = folded[max(0, start - 3) : start]
    for s, e in negations:
        word = folded[s:e]
        while word.isascii() and e < start and folded[e].isalpha():
            e += 1
        if e <= start and start - e <= 2 and "." not in folded[e:start] and word not in ("free", "-free", "frei"):
            return True
        if (
            s >= end
            and s - end <= 1
            and word in ("free", "-free", "frei", "フリー", "없는", "compatible", "substitute")
        ):
            return True
        if s >= end and s - end <= 1 and word in ("color", "colour", "colored", "coloured", "imitation", "plated"):
            return True
    return before.endswith("non")


def not_containers(folded: str, spans: list[tuple[int, int]] | None) -> list[tuple[int, int]] | None:
    """Leave out words that only tell of what the packing is made: "gallium in plastic bottle"."""
    if not spans:
        return spans
    return [(start, end) for start, end in spans if not _is_packing_or_grade(folded, start, end)]


def _is_packing_or_grade(folded: str, start: int, end: int) -> bool:
    if _GRADE.match(folded, end):
        return True
    return _PACKING.match(folded, start) is not None and _CONTAINER.match(folded, end) is not None


_CJK = re.compile("[\u2e80-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af]")
_WORD = re.compile(r"[^\W\d_]+")
_BREAK = re.compile(r"[/;|,()\[\]+&:：、，；（）]| - ")


def alone(folded: str, start: int, end: int, known: list[tuple[int, int]]) -> bool:
    """Tell whether a name stands in a part of the text of its own: "art pigment / dysprosia", "颜料 dysprosium oxide".

    Parameters
    ----------
    known : where names, raw forms and words that name nothing stand; the part may hold these besides the name.
    """
    begin = max((m.end() for m in _BREAK.finditer(folded, 0, start)), default=0)
    stop = next((m.start() for m in _BREAK.finditer(folded, end)), len(folded))
    script = bool(_CJK.match(folded[start]))
    for place in range(start - 1, begin - 1, -1):
        if folded[place].isalpha() and bool(_CJK.match(folded[place])) != script:
            begin = place + 1
            break
    for place in range(end, stop):
        if folded[place].isalpha() and bool(_CJK.match(folded[place])) != script:
            stop = place
            break
    if (begin, stop) == (0, len(folded)):
        return False
    left = list(folded[begin:stop])
    for s, e in known:
        if s < stop and e > begin:
            left[max(s, begin) - begin : min(e, stop) - begin] = " " * (min(e, stop) - max(s, begin))
    return not any(len(word) >= 2 or _CJK.match(word) for word in _WORD.findall("".join(left)))
