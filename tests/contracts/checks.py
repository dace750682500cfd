"""What every detector must keep to, whatever it looks for: :func:`yield_checks` gives the checks, one by one.

A detector is judged from outside: declarations go in, findings come out, batch by batch (``judged_rows.py``). Rules and
stages come as ``detector_adapters.py`` shows them; ``test_detectors.py`` runs all checks over all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from types import NoneType
from typing import Any, get_args, get_origin

from detector_adapters import RuleDetector, hits, hits_in_company
from judged_rows import Detector, bare, decoded_anew, key_of, random_order, simulated, split
from pydantic import BaseModel

from detectors.rules.ruleset import RuleSet
from schemas.declaration import Declaration
from schemas.decode import Row
from schemas.finding import Finding


def check_abstains_on_nulls(detector: Detector, telling: Sequence[Row]) -> None:
    """Nothing is suspicious of a declaration that carries nothing."""
    regimes = get_args(Declaration.model_fields["regime"].annotation)
    judgement = detector.judge([[bare(regime) for regime in regimes]])
    assert not judgement.findings
    assert not any(said for (_, _, event), said in judgement.said.items() if event)


def check_says_something(detector: Detector, telling: Sequence[Row]) -> None:
    """The checks below are worth nothing of a detector that is silent."""
    judgement = detector.judge([[*simulated(), *telling]])
    assert judgement.findings or detector.name == "profile", (
        f"no declaration makes {detector.name} say anything: give the rule an example that is a `declaration`, or add one "
        "to tests/contracts/telling.py"
    )


def check_survives_empty_batches(detector: Detector, telling: Sequence[Row]) -> None:
    """A batch without declarations is no news, and leaves what others say as it is."""
    assert not detector.judge([[]]).findings
    rows = [*simulated(), *telling]
    assert detector.judge([[], rows, []]).said == detector.judge([rows]).said


def check_batch_size_does_not_matter(detector: Detector, telling: Sequence[Row]) -> None:
    """Declarations one by one, in sevens, and all at once give the same."""
    rows = [*simulated(), *telling]
    wanted = detector.judge([rows]).said
    for size in (1, 7):
        assert detector.judge(split(rows, size)).said == wanted, f"batches of {size}"


def check_order_does_not_matter(detector: Detector, telling: Sequence[Row]) -> None:
    """Declarations in another order give the same, batch size included."""
    rows = [*simulated(), *telling]
    shuffled = [rows[place] for place in random_order(len(rows))]
    wanted = detector.judge([rows]).said
    assert detector.judge([shuffled]).said == wanted
    assert detector.judge(split(shuffled, 50)).said == wanted


def check_does_not_change_its_input(detector: Detector, telling: Sequence[Row]) -> None:
    """Declarations are as they were decoded."""
    rows = [*simulated(), *telling]
    detector.judge([rows])
    assert rows == list(decoded_anew(tuple(map(key_of, rows)))[0])


def check_deterministic(detector: Detector, telling: Sequence[Row]) -> None:
    """The same declarations, decoded anew, give the same to the letter, ids included."""
    rows = [*simulated(), *telling]
    first = detector.judge([rows])
    again = detector.judge([decoded_anew(tuple(map(key_of, rows)))[1]])
    assert again.said == first.said
    assert [each for _, each in again.findings] == [each for _, each in first.findings]


def check_ids_tell_findings_apart(detector: Detector, telling: Sequence[Row]) -> None:
    """One id is one finding of one version: it may stand in the verdicts on several events of it, and nowhere else."""
    seen: dict[str, tuple[str, int, int | None, str]] = {}
    for _, each in detector.judge([[*simulated(), *telling]]).findings:
        about = each.declaration_id, each.declaration_version, each.item, each.detector
        assert seen.setdefault(each.finding_id, about) == about


def check_findings_are_sound(detector: Detector, telling: Sequence[Row]) -> None:
    """Every finding points at what is there, and reads well."""
    for judged, each in detector.judge([[*simulated(), *telling]]).findings:
        check_finding(judged, each)


def check_findings_can_be_sent(detector: Detector, telling: Sequence[Row]) -> None:
    """A finding read back from JSON is the finding that was sent."""
    for _, each in detector.judge([[*simulated(), *telling]]).findings:
        assert Finding.model_validate_json(each.model_dump_json()) == each


def check_rule_needs_no_company(detector: Detector, telling: Sequence[Row]) -> None:
    """A rule says alone what it says among the others."""
    assert isinstance(detector, RuleDetector)
    keys = tuple(key_of(each) for each in (*simulated(), *telling))
    among_others = [hit for hit in hits_in_company(keys) if hit.rule.id == detector.rule.id]
    assert list(map(repr, hits(RuleSet([detector.rule], "alone"), decoded_anew(keys)[1]))) == list(
        map(repr, among_others)
    )


Check = Callable[[Detector, Sequence[Row]], None]


def yield_checks(detector: Detector) -> Iterator[Check]:
    """Yield every check that applies to a detector; call each with it and with declarations that make it speak."""
    yield check_says_something
    yield check_abstains_on_nulls
    yield check_survives_empty_batches
    yield check_batch_size_does_not_matter
    yield check_order_does_not_matter
    yield check_does_not_change_its_input
    yield check_deterministic
    yield check_ids_tell_findings_apart
    yield check_findings_are_sound
    yield check_findings_can_be_sent
    if isinstance(detector, RuleDetector):
        yield check_rule_needs_no_company


def check_finding(judged: Row, each: Finding) -> None:
    """Fail if a finding points at a place that the declaration lacks, or is not written for people."""
    assert each.evidence, "a finding without evidence"
    if each.item is not None:
        assert each.item in [item["number"] for item in judged["items"]]
    for evidence in each.evidence:
        assert known_to_contract(evidence.path), f"{evidence.path} is no place of a declaration"
        found = resolve(judged, evidence.path)
        assert found is not None or evidence.observed is None, (
            f"{evidence.observed!r} at {evidence.path}, where there is nothing"
        )
    for text in (each.title, each.explanation, *(f"{e.expected or ''} {e.reference or ''}" for e in each.evidence)):
        assert_filled(text)


_UNFILLED = re.compile(r"\{[a-z_]+[^}]*\}|\bnan\b|\binf\b|\bNone\b|\bTrue\b|\bFalse\b", re.IGNORECASE)


def assert_filled(text: str) -> None:
    """Fail if a text shows a placeholder, or a value as Python prints it."""
    found = _UNFILLED.search(text.replace("none", ""))
    assert found is None, f"{found and found.group()!r} in {text!r}"


def _steps(path: str) -> list[str]:
    assert path == "" or path.startswith("/"), f"{path} is no RFC 6901 pointer"
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def resolve(judged: Any, path: str) -> Any:
    """Return what a pointer leads to; None where the declaration has nothing."""
    found = judged
    for step in _steps(path):
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    return found


def known_to_contract(path: str) -> bool:
    """Tell whether the contract of declarations has the place that a pointer leads to."""
    kind: Any = Declaration
    for step in _steps(path):
        if get_origin(kind) is list:
            if not step.isdigit():
                return False
            kind = _plain(get_args(kind)[0])
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = {field.alias or name: field for name, field in kind.model_fields.items()}
            if step not in fields:
                return False
            kind = _plain(fields[step].annotation)
        else:
            return False
    return True


def _plain(annotation: Any) -> Any:
    """Return a type without ``| None`` and without the constraints around it."""
    if hasattr(annotation, "__metadata__"):
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) is list:
        return annotation
    parts = [part for part in get_args(annotation) if part is not NoneType]
    return _plain(parts[0]) if parts and NoneType in get_args(annotation) else annotation
