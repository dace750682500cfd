"""What a pack would have said of past declarations: hits, samples, and precision and recall against labels."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from detectors.batch import Batch
from detectors.features import compute
from detectors.rules.hit import Hit
from detectors.rules.rule import Rule
from detectors.rules.ruleset import RuleSet
from schemas.decode import Row

if TYPE_CHECKING:
    from detectors.reference import Reference


@dataclass(slots=True)
class _Tally:
    hits: int = 0
    declarations: set[str] = field(default_factory=set)
    #: (checksum of the declaration id, id, item, title) with the smallest checksums: a sample that does not depend on
    #: the order of the history
    sample: list[tuple[int, str, int, str]] = field(default_factory=list)


class Backtest:
    """Counts the hits of a rule set over batches of past declarations.

    Parameters
    ----------
    rules, reference : what to judge with; the reference is looked up at each declaration's own day.
    labels : typologies by declaration id, empty for an honest declaration; None if there are no labels.
    sample : how many hits to show of each rule.
    """

    def __init__(
        self,
        rules: RuleSet,
        reference: Reference,
        labels: Mapping[str, Sequence[str]] | None = None,
        sample: int = 3,
    ) -> None:
        self._rules = rules
        self._reference = reference
        self._labels = labels
        self._sample = sample
        self._tallies = {rule.id: _Tally() for rule in rules.rules if rule.status != "deprecated"}
        self._seen: set[str] = set()
        self.declarations = 0
        self.items = 0

    def judge(self, rows: Sequence[Row]) -> None:
        """Run the rules over a batch and count."""
        computed = compute(Batch.of(rows), self._reference)
        self.declarations += len(rows)
        self.items += computed.items.height
        self._seen.update(row["declaration_id"] for row in rows)
        for hit in self._rules.evaluate(computed.items, computed.declarations):
            self._count(hit, rows[hit.declaration]["declaration_id"])

    def _count(self, hit: Hit, declaration_id: str) -> None:
        tally = self._tallies[hit.rule.id]
        tally.hits += 1
        tally.declarations.add(declaration_id)
        if self._sample:
            entry = (zlib.crc32(declaration_id.encode()), declaration_id, hit.item_number or 0, hit.title)
            if len(tally.sample) < self._sample or entry < tally.sample[-1]:
                tally.sample = sorted([*tally.sample, entry])[: self._sample]

    def result(self) -> dict[str, Any]:
        """Return the counts: ``version``, ``declarations``, ``items``, ``rules`` (a row a rule) and ``all`` of them.

        ``precision`` is the share of labelled non-empty declarations among those hit; ``recall`` the share hit among
        the non-empty ones that carry a typology of the rule (among all non-empty ones for a rule without, and for
        ``all``). Both are null where there is nothing to divide by, or no labels.
        """
        together = set().union(*(tally.declarations for tally in self._tallies.values()))
        hits = sum(tally.hits for tally in self._tallies.values())
        return {
            "version": self._rules.version,
            "declarations": self.declarations,
            "items": self.items,
            "all": self._counts(hits, together, None),
            "rules": [
                {"rule": rule.id, "code": rule.code, "level": rule.level, "status": rule.status}
                | self._counts(self._tallies[rule.id].hits, self._tallies[rule.id].declarations, rule)
                | {"sample": [_shown(entry) for entry in self._tallies[rule.id].sample]}
                for rule in self._rules.rules
                if rule.id in self._tallies
            ],
        }

    def _counts(self, hits: int, hit: set[str], rule: Rule | None) -> dict[str, Any]:
        counts: dict[str, Any] = {
            "hits": hits,
            "declarations": len(hit),
            "hits_per_1000": _ratio(1000 * hits, self.declarations),
        }
        if self._labels is None:
            return counts
        guilty = {name for name, typologies in self._labels.items() if typologies} & self._seen
        meant = guilty
        if rule is not None and rule.typologies:
            meant = {name for name in guilty if not set(rule.typologies).isdisjoint(self._labels[name])}
        return counts | {
            "labelled": len(meant),
            "precision": _ratio(len(hit & guilty), len(hit & self._labels.keys())),
            "recall": _ratio(len(hit & meant), len(meant)),
        }


def _ratio(part: float, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _shown(entry: tuple[int, str, int, str]) -> dict[str, Any]:
    _, declaration_id, item, title = entry
    return {"declaration_id": declaration_id, "item": item or None, "title": title}
