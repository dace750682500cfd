"""Fetch the local Kafka before the tests need it, so that the wait is seen: about 45 files by Maven, the first time only."""

from __future__ import annotations

from schemas.errors import BrokerError
from streams import _broker_jars
from streams.settings import settings


def main() -> None:
    """Fetch, unless a running cluster is named or the files are there; without Java or Maven say so and go on."""
    chosen = settings()
    if chosen.kafka:
        print(f"kafka: the tests use {chosen.kafka} (ASSAY_KAFKA)")
        return
    told = ""
    count = 0

    def say(message: str) -> None:
        nonlocal told, count
        count += 1
        if message != told and count % 10 == 1:
            print(f"kafka: {message}", flush=True)
            told = message

    try:
        _broker_jars.java()
        print(f"kafka: {_broker_jars.resolve(chosen.cache_dir, say)}", flush=True)
    except BrokerError as error:
        print(f"kafka: {error}; integration tests will be skipped", flush=True)


if __name__ == "__main__":
    main()
