"""Reading goods descriptions: many languages, denials, shares, disguises, and names inside longer names."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import engine
from detectors.text import EMPTY, Mention, Reader, Reading, Term

READER = Reader.of(engine.default_reference())


def read(text: str) -> Reading:
    [reading] = READER.read([text])
    return reading


def named(text: str) -> set[str]:
    """Return the substances that a text names and does not deny."""
    return {mention.substance for mention in read(text).mentions if not mention.denied}


@pytest.mark.parametrize(
    ("substance", "text"),
    [
        ("gallium", "Gallium metal 99.9999%"),
        ("gallium", "金属镓 6N"),
        ("gallium", "金屬鎵"),
        ("gallium", "高純度ガリウム"),
        ("gallium", "갈륨 금속"),
        ("gallium", "галлий металлический в бутылках"),
        ("gallium", "Galio metálico"),
        ("gallium", "Gálio"),
        ("antimony", "Antimonbarren"),
        ("antimony", "слитки сурьмы"),
        ("antimony", "锑锭"),
        ("antimony", "lingotes de antimonio"),
        ("antimony", "antimoine en lingots"),
        ("antimony trioxide", "三氧化二锑"),
        ("germanium dioxide", "Germaniumdioxid"),
        ("germanium dioxide", "二氧化锗"),
        ("terbium", "テルビウム"),
        ("dysprosium oxide", "DYSPROSIUM OXIDE"),
        ("tungsten", "Wolfram"),
    ],
)
def test_names_are_read_in_many_languages(substance: str, text: str) -> None:
    assert named(text) == {substance}


@pytest.mark.parametrize(
    ("substance", "text"),
    [
        ("gallium", "CAS 7440-55-3"),
        ("gallium", "metal, 7440 - 55 - 3"),
        ("gallium", "7440‐55‐3"),  # with the hyphen of Unicode
        ("gallium", "Ga 99.99%"),
        ("germanium", "6N Ge"),
        ("gallium arsenide", "GaAs wafer"),
    ],
)
def test_numbers_formulae_and_graded_symbols_name_too(substance: str, text: str) -> None:
    assert named(text) == {substance}


@pytest.mark.parametrize("text", ["7440-55-4", "17440-55-3", "7440-55-31", "order 7440-55-3-2"])
def test_a_wrong_or_longer_number_is_no_cas_number(text: str) -> None:
    assert named(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "Ge 10%",
        "In stock",
        "GA 4711",
        "As agreed",
        "Sb",
        "Indiana Jones poster",
        "Germany made toys",
        "geranium plants",
        "allium bulbs",
    ],
)
def test_symbols_alone_and_like_words_name_nothing(text: str) -> None:
    assert named(text) == set()


def test_the_longest_name_wins() -> None:
    assert named("gallium nitride wafer") == {"gallium nitride"}
    assert named("indium tin oxide target") == {"indium tin oxide"}
    assert named("antimony and antimony trioxide") == {"antimony", "antimony trioxide"}


@pytest.mark.parametrize(
    "text",
    [
        "gallium-free solder",
        "solder free of antimony",
        "不含镓",
        "ohne Gallium",
        "сплав без сурьмы",
        "sin antimonio",
        "without gallium",
        "non-gallium alloy",
        "gallium substitute",
    ],
)
def test_denied_names_are_marked(text: str) -> None:
    mentions = read(text).mentions
    assert mentions
    assert all(mention.denied for mention in mentions)


@pytest.mark.parametrize(
    "text", ["lead-free gallium", "duty free gallium", "gallium, without licence", "No. 5 gallium ingots"]
)
def test_a_denial_of_something_else_denies_nothing(text: str) -> None:
    assert named(text) == {"gallium"}


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("lead alloy with 0.05% antimony", True),
        ("antimony 3% lead alloy", True),
        ("0,5% germanium", True),
        ("demonstration kit with 10 g gallium", True),
        ("5 g gallium sample", False),  # the goods themselves; that they are few is for the mass to say
        ("antimony 99.65%", False),
        ("99% gallium", False),
        ("antimony ingots", False),
        ("500 kg gallium", False),
    ],
)
def test_small_shares_and_grams_are_minor(text: str, minor: bool) -> None:
    [mention] = read(text).mentions
    assert mention.minor is minor


@pytest.mark.parametrize(
    "text",
    [
        "g a l l i u m",
        "g.a.l.l.i.u.m",
        "ga11ium",
        "gаllium",  # Cyrillic a
        "gal​lium",  # zero-width space
        "gal-lium metal",
        "zinc gal lium",
    ],
)
def test_disguises_are_undone_and_marked(text: str) -> None:
    [mention] = read(text).mentions
    assert (mention.substance, mention.hidden) == ("gallium", True)


@pytest.mark.parametrize("text", ["Gallium", "GALLIUM", "Ｇａｌｌｉｕｍ", "gallium\nmetal", "  gallium  "])
def test_ordinary_spelling_is_no_disguise(text: str) -> None:
    assert [mention.hidden for mention in read(text).mentions] == [False]


def test_one_wrong_letter_is_a_weak_sign() -> None:
    [mention] = read("galium metal").mentions
    assert (mention.substance, mention.strength, mention.hidden) == ("gallium", "weak", True)


@pytest.mark.parametrize(
    ("text", "article", "material"),
    [
        ("LED lamps", "led", None),
        ("Thermometer mit Galinstan", "thermometer", None),
        ("锑系阻燃剂", "阻燃", None),
        ("zinc ingots", None, "ingots"),
        ("锑锭", None, "锭"),
        ("слитки", None, "слитки"),
    ],
)
def test_articles_and_raw_forms(text: str, article: str | None, material: str | None) -> None:
    reading = read(text)
    assert (reading.article or "").startswith(article or "")
    assert bool(reading.article) is bool(article)
    assert reading.material == material


@pytest.mark.parametrize(
    "text", ["goods as per invoice", "样品", "legitimate products", "1,000 KG / 40 CTNS", "Waren, diverse"]
)
def test_texts_that_name_nothing_are_vague(text: str) -> None:
    assert read(text).vague


@pytest.mark.parametrize("text", ["furniture", "gallium", "木制家具", "zinc", "T-shirts"])
def test_texts_that_name_something_are_not(text: str) -> None:
    assert not read(text).vague


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("sample", "free sample, no commercial value"),
        ("bottle", "一瓶"),
        ("metal_hint", "liquid metal"),
        ("origin_denial", "NOT OF CHINESE ORIGIN"),
        ("not_controlled", "不属于两用物项"),
    ],
)
def test_other_signs(flag: str, text: str) -> None:
    assert flag in read(text).flags


def test_nothing_reads_as_nothing() -> None:
    assert READER.read([None, "", "​"])[:2] == [EMPTY, EMPTY]
    assert READER.read([]) == []


TEXTS = [
    "gallium",
    "ingots",
    "goods",
    "锑锭",
    "99.99% Ge",
    "free of",
    "gal lium",
    "镓",
    "LED",
    "​",
    "\n",
    "7440-55-3",
    "0.5%",
]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(st.sampled_from(TEXTS), max_size=4).map(" ".join), max_size=8))
def test_company_does_not_change_a_reading(texts: list[str]) -> None:
    """Texts are read in one pass, joined; what one says must not leak into its neighbour."""
    assert small().read(texts) == [small().read([text])[0] for text in texts]
    assert READER.read(texts) == [read(text) for text in texts]


def small() -> Reader:
    """Return a reader with nothing kept, of a small lexicon."""
    return Reader(
        [Term("gallium", "gallium"), Term("antimony", "锑", "substring", "weak"), Term("germanium", "germanium")],
        {"7440-55-3": "gallium"},
        {"Ge": "germanium"},
    )


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    assert isinstance(read(text), Reading)


@pytest.mark.parametrize(
    "text",
    ["\\ud800", "&#55296;", "&#xD800; gallium", "%ff%fe", "&#0;", "\\u0000", "0" * 8192, "ga" * 4096, "(" * 8192],
)
def test_hostile_texts_can_be_read(text: str) -> None:
    """An escape for half a character, or a text made to be slow, must not stop the worker."""
    assert isinstance(read(text), Reading)


def test_a_reader_takes_its_words_from_its_lexicon() -> None:
    reader = Reader([Term("unobtainium", "unobtainium")], {}, {})
    assert reader.read(["unobtainium, gallium"])[0].mentions == (Mention("unobtainium", "unobtainium", "strong"),)
