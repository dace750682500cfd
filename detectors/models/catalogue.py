"""The learned detectors by name. A new one is a module and a line here; its imports are paid for when it is asked for."""

from __future__ import annotations

from importlib import import_module

from detectors.models.learned import LearnedDetector
from schemas.errors import ModelError

#: Name -> module and class.
DETECTORS = {
    "mislabel-text": ("detectors.models.text", "MislabelText"),
    "mislabel-value": ("detectors.models.value", "MislabelValue"),
    "outlier": ("detectors.models.outlier", "Outlier"),
    "outcome": ("detectors.models.outcome", "OutcomeDetector"),
}


def detector(name: str) -> type[LearnedDetector]:
    """Return the class of a learned detector.

    Raises
    ------
    ModelError : there is none of that name; the message lists those there are.
    """
    if name not in DETECTORS:
        raise ModelError(f"no learned detector is called {name!r}; there are {', '.join(sorted(DETECTORS))}")
    module, attribute = DETECTORS[name]
    found: type[LearnedDetector] = getattr(import_module(module), attribute)
    return found
