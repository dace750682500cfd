"""Between Kafka and the store: alerts and dispositions in, decisions out, and how the feeds are."""

from __future__ import annotations

from streams.console.intake.feeds import Feeds
from streams.console.intake.reader import Reader
from streams.console.intake.sender import Sender

__all__ = ["Feeds", "Reader", "Sender"]
