"""The exceptions of Assay, one tree.

::

    AssayError
    ├── RecordError               one record cannot be used; carries a path into it and a reason
    │   ├── ContractError         it is not what the contract says (schemas.decode)
    │   └── FeedError             a feed message cannot be decoded (schemas.feeds)
    ├── RulePackError             a rule pack is wrong; carries every located problem
    ├── ReferenceError_           reference tables are wrong or have no answer
    ├── ModelError                a model cannot be trained, stored or loaded
    ├── StateError                what a worker remembers on its disk cannot be used
    ├── SettingsError             a setting is missing or contradicts another
    └── BrokerError               no Kafka to talk to; the message says how to get one
"""

from __future__ import annotations


class AssayError(Exception):
    """Base of all errors that Assay raises on purpose: the message is for the person who reads it."""


class RecordError(AssayError):
    """One record cannot be used.

    Parameters
    ----------
    reason : what was wrong, in a sentence.
    path : where, as an RFC 6901 JSON pointer or an XPath; "" for the whole record.
    """

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path


class ContractError(RecordError):
    """A record is not what its contract says."""


class FeedError(RecordError):
    """A feed message cannot be decoded into declarations."""


class RulePackError(AssayError):
    """A rule pack is refused; ``problems`` holds one located sentence for each mistake."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ReferenceError_(AssayError):
    """Reference tables are wrong, or have no answer for what was asked."""


class ModelError(AssayError):
    """A learned detector cannot be trained, stored or loaded; the message says what is missing or wrong."""


class StateError(AssayError):
    """What a worker remembers on its disk cannot be opened; the message says what to do."""


class SettingsError(AssayError):
    """A setting is missing, malformed, or contradicts another."""


class BrokerError(AssayError):
    """No Kafka can be reached or started."""
