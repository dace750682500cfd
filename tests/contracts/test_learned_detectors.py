"""Every learned detector keeps to the shared checks, comes back whole from its parts, and is the same after training again."""

from __future__ import annotations

import numpy as np
import pytest
from checks import Check, check_says_something, yield_checks
from judged_rows import simulated
from learned_detectors import TRAINED, Learned, history, odd, trained

from detectors import engine, features
from detectors.batch import Batch
from detectors.models.catalogue import DETECTORS
from detectors.models.catalogue import detector as learned_class
from detectors.models.learned import History
from schemas.errors import ModelError

CHECKS: list[Check] = list(yield_checks(Learned.__new__(Learned)))
EXTRA = odd()


@pytest.fixture(scope="module")
def adapters() -> dict[str, Learned]:
    return {name: Learned(trained(name)) for name in TRAINED}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", TRAINED)
def test_learned_detector(name: str, check: Check, adapters: dict[str, Learned]) -> None:
    check(adapters[name], EXTRA)


def test_the_catalogue_is_of_detectors_by_their_names() -> None:
    assert {name: learned_class(name).name for name in TRAINED} == {name: name for name in TRAINED}
    assert check_says_something in CHECKS
    with pytest.raises(ModelError, match=", ".join(sorted(DETECTORS))):
        learned_class("mislabel-smell")


@pytest.mark.parametrize("name", TRAINED)
def test_what_comes_back_from_parts_scores_the_same(name: str) -> None:
    detector = trained(name)
    back = type(detector).from_parts(detector.parts())
    reference = engine.default_reference()
    batch = Batch.of([*simulated(), *EXTRA])
    computed = features.compute(batch, reference, detector.columns)
    first, again = (each.score(batch, computed, reference) for each in (detector, back))
    assert np.array_equal(first.values, again.values, equal_nan=True)
    assert len(first.values) == computed.items.height
    assert detector.described() == back.described()


@pytest.mark.parametrize("name", TRAINED)
def test_scores_do_not_depend_on_the_batch(name: str) -> None:
    """To the last bit, of scores under the threshold as well; texts scored before and texts that are new."""
    detector = type(trained(name)).from_parts(trained(name).parts())
    reference = engine.default_reference()
    rows = [*simulated()[:120], *EXTRA]

    def scores(of: list[int]) -> list[list[float]]:
        batch = Batch.of([rows[n] for n in of])
        computed = features.compute(batch, reference, detector.columns)
        found = detector.score(batch, computed, reference).values
        return [found[(computed.items["row"] == n).to_numpy()].tolist() for n in range(len(of))]

    backwards = dict(zip(range(len(rows))[::-1], scores([*range(len(rows))[::-1]]), strict=True))
    alone = {n: scores([n])[0] for n in range(len(rows))}
    assert repr(backwards[3]) == repr(alone[3])
    assert {n: repr(each) for n, each in backwards.items()} == {n: repr(each) for n, each in alone.items()}


@pytest.mark.parametrize("name", ["mislabel-value", "outlier"])
def test_training_again_gives_the_same(name: str) -> None:
    again = type(trained(name)).train(history(), lambda doing, share: None)
    assert repr(again.parts()) == repr(trained(name).parts())


@pytest.mark.parametrize("name", TRAINED)
def test_nothing_is_learned_from_nothing(name: str) -> None:
    with pytest.raises(ModelError, match="needs at least"):
        learned_class(name).train(History([], engine.default_reference()), lambda doing, share: None)


@pytest.mark.parametrize("name", TRAINED)
def test_parts_of_something_else_are_refused(name: str) -> None:
    with pytest.raises(ModelError):
        learned_class(name).from_parts({"threshold": 1.0})
