"""Entity resolution: who the parties of declarations are, whatever their spelling, and the contacts they share.

:class:`~detectors.parties.resolver.Resolver` gives keys; :func:`similar` compares two names that something else already links;
:mod:`~detectors.parties.merges` reads what people know better.
"""

from __future__ import annotations

from detectors.parties._similar import Likeness, similar
from detectors.parties.merges import Merges
from detectors.parties.resolver import Link, Resolved, Resolver

__all__ = ["Likeness", "Link", "Merges", "Resolved", "Resolver", "similar"]
