"""The reference tables that come with Assay: complete, sourced, checked; and their replacement at run time."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest

from detectors.reference import Reference, load
from schemas.errors import ReferenceError_
from schemas.reference import cas_is_valid


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load()


def test_every_listed_row_is_there(reference: Reference) -> None:
    rows = {e.row_id for e in reference.controls}
    suspended = {f"C{n:04d}" for n in (181, 182, 183, 197, 198)}  # these rows became the suspensions
    assert rows | suspended == {f"C{n:04d}" for n in range(1, 220)}
    assert not rows & suspended


def test_every_entry_says_where_it_is_from(reference: Reference) -> None:
    for name in (
        "controls", "suspensions", "lexicon", "prices", "heading_bands", "densities", "countries", "producers", "pegs",
    ):  # fmt: skip
        for entry in reference.table(name):
            assert entry.status.strip(), (name, entry)
            assert entry.source.strip(), (name, entry)


def test_cas_check_digits(reference: Reference) -> None:
    assert not cas_is_valid("7440-55-4")
    for entry in (*reference.controls, *reference.lexicon):
        assert all(cas_is_valid(cas) for cas in entry.cas), entry


def test_what_is_not_verified_cannot_prohibit(reference: Reference) -> None:
    for entry in reference.controls:
        if entry.status == "from memory" or (entry.code_status or "").startswith(
            ("inferred", "8-digit seen in a 2010")
        ):
            assert not entry.can_prohibit, entry.row_id
    assert {e.certainty for e in reference.controls} == {"verified", "probable", "unverified"}


def test_gallium_is_not_matched_by_antimony_codes(reference: Reference) -> None:
    gallium = [e for e in reference.controls if e.substances == ("gallium",) and "CN" in e.regimes]
    assert {e.code10 for e in gallium} == {"8112929010", "8112929090", "8112999000"}
    assert not any((e.hs6 or "").startswith("8110") for e in gallium)
    (first,) = [e for e in gallium if e.code10 == "8112929010"]
    assert first.certainty == "probable"
    assert "8110929010" in (first.notes or "")
    assert not any(h.startswith("8110") for h in reference.substances["gallium"].headings)


def test_an_element_never_stands_for_rows_without_a_substance(reference: Reference) -> None:
    assert [e.row_id for e in reference.controls if e.elements and not e.substances] == []


def test_thresholds_are_parsed(reference: Reference) -> None:
    by_row = {e.row_id: e for e in reference.controls}
    assert (by_row["C0054"].threshold_purity_pct, by_row["C0054"].threshold_inclusive) == (99.99, True)
    assert (by_row["C0055"].threshold_purity_pct, by_row["C0055"].threshold_inclusive) == (99.999, False)
    assert by_row["C0001"].threshold_purity_pct is None


def test_price_bands_leave_no_gap(reference: Reference) -> None:
    for month in range(12 * 7):
        day = date(2021 + month // 12, month % 12 + 1, 15)
        found = Counter((b.substance, b.form) for b in reference.price_bands_on(day))
        assert max(found.values()) == 1, day
        assert {("gallium", "metal"), ("germanium", "metal"), ("antimony", "metal")} <= set(found), day
    assert reference.price_bands_on(date(2019, 1, 1)) == ()


def test_price_bands_hold_the_reported_prices(reference: Reference) -> None:
    def band(substance: str, day: date) -> tuple[float, float]:
        (found,) = [b for b in reference.price_bands_on(day) if (b.substance, b.form) == (substance, "metal")]
        return found.low, found.high

    for substance, day, price in (
        ("gallium", date(2025, 3, 1), 450.0),
        ("germanium", date(2025, 10, 1), 5380.0),
        ("antimony", date(2024, 12, 31), 40.0),
        ("antimony", date(2025, 6, 1), 61.0),
        ("bismuth", date(2025, 3, 1), 75.0),
    ):
        low, high = band(substance, day)
        assert low <= price <= high, (substance, day, low, high)
    assert all(b.extrapolated for b in reference.price_bands_on(date(2027, 6, 1)))


def test_longest_prefix_wins(reference: Reference) -> None:
    assert reference.heading_band("7202801000").prefix == "720280"  # type: ignore[union-attr]
    assert reference.heading_band("72029900").prefix == "720299"  # type: ignore[union-attr]
    assert reference.heading_band("7299").prefix == "72"  # type: ignore[union-attr]
    assert reference.heading_band("9703") is None
    assert reference.heading_band(None) is None
    assert reference.density_band("6907210000").bulk_density_max > reference.density_band("6911").bulk_density_max  # type: ignore[union-attr]


def test_value_of_the_zinc_case(reference: Reference) -> None:
    band = reference.heading_band("7901200000")
    assert band is not None
    assert band.low < 3 < band.high
    assert 10 * band.high < 450


def test_lexicon_terms(reference: Reference) -> None:
    terms = {(e.substance, t.text): t for e in reference.lexicon for t in e.terms}
    assert terms["gallium", "金属镓"].strength == "strong"
    assert terms["gallium", "镓"].strength == "weak"
    assert terms["gallium", "Ga"].match == "exact"
    assert terms["gallium", "Ga"].strength == "weak"
    assert terms["gallium", "liquid metal"].strength == "weak"
    assert terms["gallium arsenide", "GaAs"].match == "exact"
    assert terms["gallium", "7440-55-3"].kind == "cas"
    assert terms["antimony", "сурьм"].match == "stem"
    assert terms["indium", "indio"].strength == "weak"
    assert terms["silver", "plata"].strength == "weak"


@pytest.mark.parametrize(
    "honest", ["Antimonopoly board game", "индийский чай", "германия", "скандинавская мебель", "антимонопольный", "GAP jeans",
               "WC suite", "aceite di oliva", "MCT oil", "German beer", "Romano Tulio", "plata", "antimonopol"]
)  # fmt: skip
def test_no_strong_term_is_in_honest_words(reference: Reference, honest: str) -> None:
    words = honest.casefold().split()
    for entry in reference.lexicon:
        for term in entry.terms:
            if term.strength == "strong" and term.match in ("word", "stem"):
                text = term.text.casefold()
                assert not any(w == text or (term.match == "stem" and w.startswith(text)) for w in words), term


@pytest.mark.parametrize(
    ("substance", "words"),
    [
        ("gallium", "gallium 金属镓 金屬鎵 галлий galio gálio ガリウム 갈륨 แกลเลียม"),
        ("germanium", "germanium 金属锗 金屬鍺 германий germanio germânio ゲルマニウム 게르마늄"),
        ("antimony", "antimony 锑锭 銻錠 antimon antimonio antimoine antimônio アンチモン 안티몬 พลวง"),
        ("tungsten", "tungsten 钨粉 鎢粉 tungsteno tungstène wolframio タングステン 텅스텐 vonfram"),
        ("bismuth", "bismuth 铋锭 bismuto ビスマス 비스무트"),
        ("dysprosium oxide", "氧化镝 氧化鏑 dysprosiumoxid 酸化ジスプロシウム"),
    ],
)
def test_names_in_many_languages(reference: Reference, substance: str, words: str) -> None:
    strong = {t.text for t in reference.substances[substance].terms if t.strength == "strong"}
    assert set(words.split()) - strong == set()


def test_borders_are_symmetric_and_known(reference: Reference) -> None:
    assert reference.borders("CN", "VN")
    assert reference.borders("VN", "CN")
    assert not reference.borders("CN", "TH")
    for code, country in reference.countries.items():
        for neighbour in country.borders:
            assert reference.borders(neighbour, code), (code, neighbour)


def test_islands_and_landlocked(reference: Reference) -> None:
    for island in ("JP", "AU", "NZ", "PH", "LK", "IS", "TW", "MG", "CU"):
        assert reference.countries[island].borders == (), island
    assert len(reference.countries["RU"].borders) == 14
    assert set(reference.countries["MN"].borders) == {"CN", "RU"}


def test_distances(reference: Reference) -> None:
    assert reference.distance_km("CN", "CN") == 0
    assert reference.distance_km("FR", "DE") == reference.distance_km("DE", "FR")
    assert 300 < reference.distance_km("BE", "FR") < 700
    assert 9_000 < reference.distance_km("CN", "US") < 13_000
    with pytest.raises(ReferenceError_, match="XX"):
        reference.distance_km("XX", "CN")


def test_transit_risk_and_producers(reference: Reference) -> None:
    assert "antimony" in {r.substance for r in reference.countries["TH"].transit_risk}
    assert "germanium" in {r.substance for r in reference.countries["BE"].transit_risk}
    assert "CN" in reference.producers["gallium"]
    assert "SG" not in reference.producers["gallium"]
    assert "TJ" in reference.producers["antimony"]
    assert reference.countries["HK"].hub


def test_usd_rates(reference: Reference) -> None:
    assert reference.usd_rate("USD", date(1990, 1, 1)) == 1.0
    cny = reference.usd_rate("CNY", date(2025, 6, 2))
    assert cny is not None
    assert 0.13 < cny < 0.15
    friday, sunday = date(2025, 5, 30), date(2025, 6, 1)
    assert reference.usd_rate("JPY", sunday) == reference.usd_rate("JPY", friday)
    # Russia's rouble was last quoted on 2022-03-01; the dollar went on, the pair must not be mixed from two days.
    assert reference.usd_rate("RUB", date(2026, 1, 1)) == reference.usd_rate("RUB", date(2022, 3, 1))
    assert reference.usd_rate("AED", date(2026, 1, 1)) == pytest.approx(1 / 3.6725)
    assert reference.usd_rate("XOF", date(2025, 6, 2)) == pytest.approx(
        reference.usd_rate("EUR", date(2025, 6, 2)) / 655.957  # type: ignore[operator]
    )
    assert reference.usd_rate("TWD", date(2025, 6, 2)) is None


def test_far_future_has_an_answer(reference: Reference) -> None:
    assert reference.usd_rate("EUR", date(2090, 1, 1)) is not None
    assert len(reference.controls_on(date(2090, 1, 1))) > 150


def test_every_day_has_one_epoch(reference: Reference) -> None:
    day = date(2023, 7, 1)
    last = reference.epoch(day)
    while day < date(2027, 3, 1):
        now = reference.epoch(day)
        assert now in (last, last + 1), day
        if now == last:
            assert reference.controls_on(day) is reference.controls_on(day - timedelta(days=1)) or day == date(
                2023, 7, 1
            )
        last = now
        day += timedelta(days=1)
