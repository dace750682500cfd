"""The KCS benchmark on a small part of the published files, read in place."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import AssayError
from streams.bench import kcs

FOLDER = Path(os.environ.get("ASSAY_SHARED") or Path(__file__).parents[2].parent / "shared") / "benchmarks" / "kcs"


def test_a_folder_without_the_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r"df_syn_train_eng\.csv"):
        kcs.read(tmp_path)


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the KCS benchmark files are not on this machine")
def test_what_is_unseen_and_what_a_look_up_knows() -> None:
    parts = kcs.read(FOLDER, 4000)
    train, test = parts["train"], parts["test"]
    known = set(train.frame.select(kcs.TUPLE).iter_rows())
    new = kcs.unseen(test, train)
    assert new.tolist() == [row not in known for row in test.frame.select(kcs.TUPLE).iter_rows()]
    assert 0 < new.sum() < len(new)
    found = kcs.looked_up(train, test)
    assert np.allclose(found[new], train.fraud.mean())
    assert kcs.auc(test.fraud[~new], found[~new]) > 0.9
    told = kcs.interval(test.fraud, found, found, 5)
    assert (told["value"], told["low"], told["high"]) == (0.0, 0.0, 0.0)


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the KCS benchmark files are not on this machine")
def test_the_linear_model_learns_of_first_sights_and_meets_new_categories() -> None:
    parts = kcs.read(FOLDER, 3000)
    train, test = parts["train"], parts["test"]
    once = ~train.frame.select(kcs.TUPLE).is_duplicated().to_numpy()
    linear = kcs._Linear(train, once)
    assert len(set(test.frame["hs6"]) - set(train.frame["hs6"])) > 0
    found = linear.raw(test)
    assert found.shape == test.fraud.shape
    assert np.isfinite(found).all()
    assert kcs.auc(train.fraud[once], linear.raw(train)[once]) > 0.6
    turned = kcs._Linear(
        kcs.Part(train.frame, train.measures, train.days, np.where(once, train.fraud, 1.0), train.raw), once
    )
    assert np.array_equal(turned.raw(test), found), "rows that are not first sights have no part in it"
