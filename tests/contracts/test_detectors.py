"""Every registered detector keeps to the shared checks; every column keeps to the column dictionary."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from checks import Check, assert_filled, check_finding, known_to_contract, yield_checks
from detector_adapters import Correlate, Profile, RuleDetector, Screen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judged_rows import LACKING, NOW, Detector, bare, simulated
from judged_rows import row as decoded
from telling import odd, telling

from detectors import engine, features
from detectors.batch import Batch
from detectors.columns import COLUMNS
from detectors.correlate import Case
from detectors.features import Features
from schemas.declaration import PARTY_ROLES
from schemas.decode import Row
from schemas.finding import Verdict

RULES = engine.default_models().rules.rules
DETECTORS: list[Detector] = [*map(RuleDetector, RULES), Screen(), Profile(), Correlate()]
CHECKS = [(detector, check) for detector in DETECTORS for check in yield_checks(detector)]

#: One list of declarations for all detectors, so that the screen judges each split of it once.
EXTRA: list[Row] = [*(each for rule in RULES for each in telling(rule.id)), *odd()]


@pytest.mark.parametrize(
    ("detector", "check"), CHECKS, ids=[f"{detector.name}-{check.__name__}" for detector, check in CHECKS]
)
def test_detector(detector: Detector, check: Check) -> None:
    check(detector, EXTRA)


def test_every_stage_function_is_checked() -> None:
    stages = {name for name in ("screen", "profile", "correlate") if callable(getattr(engine, name))}
    assert stages <= {detector.name for detector in DETECTORS}


# -- columns


def _frames(rows: list[Row]) -> Features:
    return features.compute(Batch.of(rows), engine.default_reference())


@pytest.fixture(scope="module")
def judged() -> Features:
    return _frames([*simulated(), *EXTRA])


@pytest.fixture(scope="module", params=["full", "bare", "empty"])
def frames(request: pytest.FixtureRequest, judged: Features) -> Features:
    """Frames of many declarations, of one that carries nothing, and of none."""
    if request.param == "full":
        return judged
    return _frames([bare("export")] if request.param == "bare" else [])


PLACES = {"row", "item_index", "item_number"}


def test_the_item_frame_is_as_documented(frames: Features) -> None:
    assert set(frames.items.columns) - PLACES == set(COLUMNS)
    assert {name: frames.items.schema[name] for name in COLUMNS} == {name: c.dtype for name, c in COLUMNS.items()}


def test_the_declaration_frame_is_as_documented(frames: Features) -> None:
    wanted = {name: c.dtype for name, c in COLUMNS.items() if c.scope == "declaration"}
    found = dict(frames.declarations.schema)
    assert found.pop("row") == pl.UInt32
    assert found == wanted


def test_unknown_numbers_are_null_not_nan(frames: Features) -> None:
    for frame in (frames.items, frames.declarations):
        for column in frame.get_columns():
            if column.dtype == pl.Float64:
                assert column.is_finite().all(), f"{column.name} has NaN or infinity"


def test_the_frames_have_a_row_for_each(frames: Features) -> None:
    assert frames.declarations["row"].to_list() == list(range(frames.declarations.height))
    assert len(frames.goods) == frames.items.height


def test_declaration_columns_repeat_on_items(judged: Features) -> None:
    names = [name for name, column in COLUMNS.items() if column.scope == "declaration"]
    repeated = judged.items.select("row", *names)
    own = judged.items.select("row").join(judged.declarations, on="row", how="left", maintain_order="left")
    assert repeated.equals(own.select("row", *names))


def test_every_column_has_a_value_somewhere(judged: Features) -> None:
    """A column that is always null or always the same is a feature that nothing computes."""
    silent = [name for name in COLUMNS if judged.items[name].drop_nulls().len() == 0]
    assert silent == []
    constant = [n for n, c in COLUMNS.items() if c.dtype == pl.Boolean and judged.items[n].drop_nulls().n_unique() < 2]
    assert constant == []


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_point_at_places_of_the_contract(name: str) -> None:
    column = COLUMNS[name]
    assert column.doc
    assert known_to_contract(column.path.replace("{i}", "0"))
    if column.scope == "declaration":
        assert "{i}" not in column.path


def test_zero_is_not_carried() -> None:
    """Feeds that cannot leave a field out send zero; it must not be taken for a mass, a value or a count."""
    item = {
        "number": 1,
        "commodity_code": "7901200000",
        "net_mass_kg": 0.0,
        "gross_mass_kg": 0.0,
        "volume_m3": 0.0,
        "quantity": {"value": 0.0, "unit": "KGM"},
        "value": {"amount": 0.0, "currency": "USD"},
        "packages": [{"type": "CT", "count": 0, "marks": None}],
    }
    empty = {
        "schema": "declaration/1",
        "event": "lodged",
        "declaration_id": "zero",
        "lodged_at": "2026-11-20T08:00:00Z",
        "source": {"system": "test", "format": "declaration/1"},
        "regime": "export",
        "gross_mass_kg": 0.0,
        "package_count": 0,
        "items": [item],
    }
    frame = _frames([decoded(empty)]).items
    for name in (
        "net_mass_kg gross_mass_kg volume_m3 quantity value_amount package_count declared_gross_kg declared_package_count "
        "value_usd usd_per_kg price_over_heading tare_share kg_per_package bulk_density density_over total_net_kg "
        "total_gross_kg total_usd net_over_gross total_net_over_gross"
    ).split():
        assert frame[name].to_list() == [None], name


@pytest.mark.parametrize("text", ["{price_low}", "about nan USD", "-inf", "is None", "True or not"])
def test_unfilled_words_are_seen(text: str) -> None:
    with pytest.raises(AssertionError):
        assert_filled(text)


# -- any declaration


TEXT = st.sampled_from(
    [
        None,
        "Gallium metal 6N",
        "金属镓",
        "goods",
        "LED lamps, GaN",
        "Antimony trioxide 99.98%",
        "not of Chinese origin",
        "😀",
        "x" * 8192,
    ]
) | st.text(min_size=1, max_size=30)
NUMBER = st.sampled_from([None, 0.0, 5e-324, 1e-9, 0.5, 20.0, 25_000.0, 1e9]) | st.floats(0, 1e9)
CODE = st.sampled_from([None, "8112929010", "811010", "7901200000", "8110", "94036010", "28258000101234", "0000"])
COUNTRY = st.sampled_from([None, "CN", "US", "TH", "DE", "HK", "XI", "QQ", "EU"])
PARTY = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["A", "B" * 255]),
        "name": st.sampled_from(["Army Depot", "Some Logistics", "王", "X" * 512]),
        "address": st.sampled_from(["Jiefang Road 88", "1"]),
        "phone": st.sampled_from(["+86 731 8888 1234", "n/a", "1"]),
        "email": st.sampled_from(["a@b.example", "none"]),
        "country": COUNTRY,
    },
)
ITEM = st.fixed_dictionaries(
    {},
    optional={
        "commodity_code": CODE,
        "description": TEXT,
        "origin": COUNTRY,
        "net_mass_kg": NUMBER,
        "gross_mass_kg": NUMBER,
        "volume_m3": NUMBER.map(lambda v: v and min(v, 1e7)),
        "cas": st.sampled_from([None, "7440-55-3", "1303-00-0", "7440-55-4"]),
        "quantity": st.none()
        | st.fixed_dictionaries(
            {"value": NUMBER.filter(lambda v: v is not None), "unit": st.sampled_from(["KGM", "GRM", "C62"])}
        ),
        "value": st.none()
        | st.fixed_dictionaries(
            {
                "amount": st.sampled_from([0.0, 5e-324, 450.0, 225_000.0, 1e15]),
                "currency": st.sampled_from(["USD", "EUR", "CNY", "RUB", "VES", "XAU", "IRR"]),
            }
        ),
        "packages": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "type": st.sampled_from(["CT", "DR", None]),
                    "count": st.sampled_from([None, 0, 1, 10**8]),
                    "marks": TEXT.map(lambda t: t and t[:512]),
                },
            ),
            max_size=2,
        ),
        "documents": st.lists(
            st.fixed_dictionaries(
                {"type": st.sampled_from(["X002", "N380", "许可证"])},
                optional={
                    "expires_on": st.sampled_from([None, "1900-01-01", "2199-12-31"]),
                    "quantity_kg": NUMBER,
                    "holder": st.sampled_from([None, "Ö", "A"]),
                },
            ),
            max_size=2,
        ),
    },
)
DECLARATION = st.fixed_dictionaries(
    {
        "regime": st.sampled_from(["export", "import", "transit", "entry_summary", "passenger", "postal"]),
        "event": st.sampled_from(["lodged", "amended", "cancelled", "accepted"]),
        "version": st.sampled_from([1, 2, 1_000_000]),
        "lodged_at": st.sampled_from(
            [
                "1990-01-01T00:00:00Z",
                "2023-08-01T00:00:00Z",
                "2025-11-08T23:59:59Z",
                "2026-11-28T00:00:00Z",
                "2099-12-31T00:00:00Z",
            ]
        ),
        "items": st.lists(ITEM, min_size=1, max_size=3).map(
            lambda found: [{"number": n} | item for n, item in enumerate(found, 1)]
        ),
    },
    optional={
        **dict.fromkeys(PARTY_ROLES, PARTY),
        "country_of_export": COUNTRY,
        "country_of_destination": COUNTRY,
        "routing": st.lists(COUNTRY.filter(lambda c: c is not None), max_size=5),
        "transport": st.none()
        | st.fixed_dictionaries(
            {"mode": st.sampled_from([None, "sea", "post"]), "containers": st.lists(st.just("MSKU1234565"), max_size=2)}
        ),
        "gross_mass_kg": NUMBER,
        "package_count": st.sampled_from([None, 0, 1, 10**8]),
    },
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(DECLARATION, min_size=1, max_size=6))
def test_any_declaration_can_be_judged(drawn: list[dict[str, Any]]) -> None:
    """Whatever the contract lets in: findings point at what is there, read well, and travel as JSON unchanged."""
    rows = [decoded(LACKING | {"declaration_id": f"any:{n}"} | each) for n, each in enumerate(drawn)]
    screened = engine.screen(Batch.of(rows), engine.default_reference(), engine.default_models())
    by_id = {each["declaration_id"]: each for each in rows}
    for verdict in screened.verdicts:
        assert Verdict.model_validate_json(verdict.model_dump_json(by_alias=True)) == verdict
        for finding in verdict.findings:
            check_finding(by_id[verdict.declaration_id], finding)
    correlated = engine.correlate(screened.verdicts, {}, NOW, threshold=0)
    for case in correlated.cases:
        assert Case.model_validate_json(case.model_dump_json(by_alias=True)) == case
