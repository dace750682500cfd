"""Replacing the rules of a running worker: all or nothing, so that a bad pack never stops the detection.

Nothing here waits or reads the clock: whoever drives the worker calls :meth:`RuleSetHolder.poll` when it likes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from detectors.columns import COLUMNS, Column
from detectors.rules import loading
from detectors.rules.examples import failures
from detectors.rules.ruleset import RuleSet
from schemas.errors import RulePackError

if TYPE_CHECKING:
    from detectors.reference import Reference

#: (path, modification time in ns, size) of every pack file
_Stamp = tuple[tuple[str, int, int], ...]


class RuleSetHolder:
    """Holds the rules in use.

    Parameters
    ----------
    current : the rules to begin with.
    reference : gives the tables for inline examples that are declarations; by default those that come with Assay.

    Attributes
    ----------
    current : the rules in use.
    problems : why the last offered packs were refused; empty if they were taken.
    """

    def __init__(
        self,
        current: RuleSet,
        columns: Mapping[str, Column] = COLUMNS,
        reference: Callable[[], Reference] | None = None,
    ) -> None:
        self.current = current
        self.problems: list[str] = []
        self._columns = columns
        self._reference = reference
        self._stamp: _Stamp | None = None
        self._digest: str | None = None

    def try_replace(self, texts: Mapping[str, str]) -> list[str]:
        """Put the packs (texts by file name) in place of the current rules, if not one of them has a mistake.

        Returns
        -------
        The problems, located; empty if the packs are in use now. With problems, ``current`` is what it was.
        """
        self.problems = self._take(texts)
        return self.problems

    def poll(self, paths: Iterable[Path | str]) -> list[str]:
        """Reload pack files (or folders of them) if they changed since the last call.

        The first call compares with ``current``. What was refused is told once and offered again only after a change.

        Returns
        -------
        The problems of a change that was refused; empty if nothing changed or the change is in use now.
        """
        try:
            stamp = _stamp(paths := list(paths))
            if stamp == self._stamp:
                return []
            texts = loading.read(paths)
        except RulePackError as error:
            return self._unreadable(error.problems)
        except OSError as error:
            return self._unreadable([f"{error.filename}: {error.strerror}; the rules in use stay"])
        self._stamp = stamp
        digest = hashlib.sha256(repr(sorted(texts.items())).encode("utf-8", "surrogatepass")).hexdigest()
        if digest == self._digest:
            return []
        self._digest = digest
        return self.try_replace(texts)

    def _take(self, texts: Mapping[str, str]) -> list[str]:
        checked = loading.check(texts, self._columns)
        problems = list(checked.problems)
        if not problems and not checked.rules:
            return ["no rule in " + (", ".join(texts) or "no file at all") + "; the rules in use stay"]
        if not problems:
            if checked.version == self.current.version:
                return []
            for rule in checked.rules:
                for failure in failures(rule, self._columns, self._reference):
                    problems.append(checked.problem(rule, failure.loc, f"the example {failure.reason}", "example"))
        if problems:
            return [str(problem) for problem in problems]
        self.current = RuleSet(checked.rules, checked.version, self._columns)
        return []

    def _unreadable(self, problems: list[str]) -> list[str]:
        told = problems != self.problems
        self._stamp = self._digest = None
        self.problems = problems
        return problems if told else []


def _stamp(paths: Iterable[Path | str]) -> _Stamp:
    stamps = []
    for file in loading.pack_files(paths):
        stat = file.stat()
        stamps.append((str(file), stat.st_mtime_ns, stat.st_size))
    return tuple(stamps)
