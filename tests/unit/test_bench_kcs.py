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
