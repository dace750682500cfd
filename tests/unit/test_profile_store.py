"""The database of profile states: what it keeps, and two processes that want one."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams import profile_store
from streams.profile_store import InUseError, ProfileStore


def test_states_and_notes_outlive_the_process_that_wrote_them(tmp_path: Path) -> None:
    store = ProfileStore(tmp_path / "one")
    store.put({"party/a": b"1", "lane/x": b"2", "gone": b"3"}, {"changelog": "17"})
    store.put({"gone": None, "party/b": b"4"})
    store.close()
    again = ProfileStore(tmp_path / "one")
    assert again.get(["party/a", "gone", "never"]) == {"party/a": b"1", "gone": None, "never": None}
    assert list(again.items("party/")) == [("party/a", b"1"), ("party/b", b"4")]
    assert [key for key, _ in again.items()] == ["lane/x", "party/a", "party/b"]
    assert (again.note("changelog"), again.note("written")) == ("17", None)
    assert again.size() > 0
    again.clear()
    assert (list(again.items()), again.note("changelog")) == ([], None)
    again.close()


def test_a_database_in_use_is_told_and_a_temporary_one_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_store, "LOCKED_SECONDS", 0.3)
    first = ProfileStore(tmp_path / "one")
    with pytest.raises(InUseError, match="ASSAY_STATE_DIR"):
        ProfileStore(tmp_path / "one")
    first.close()
    temporary = ProfileStore()
    temporary.put({"party/a": b"1"})
    temporary.close()
    assert not temporary.folder.exists()
