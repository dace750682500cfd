"""What the gateway counts and measures, in the Prometheus text format at ``/metrics``."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The metrics of one gateway, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        self.requests = Counter("assay_gateway_requests", "requests answered", ["source", "status"], registry=registry)
        self.messages = Counter(
            "assay_gateway_messages", "messages: accepted, refused, repeated", ["source", "outcome"], registry=registry
        )
        self.bytes = Counter("assay_gateway_bytes", "bytes of bodies read", ["source"], registry=registry)
        self.seconds = Histogram(
            "assay_gateway_request_seconds",
            "from the head of a request to its answer",
            buckets=_SECONDS,
            registry=registry,
        )
        self.acknowledged = Histogram(
            "assay_gateway_acknowledge_seconds", "wait for Kafka", buckets=_SECONDS, registry=registry
        )
        self.held = Gauge("assay_gateway_held_bytes", "bytes in hand, not acknowledged yet", registry=registry)
        self.up = Gauge("assay_gateway_kafka_up", "1 while Kafka answers", registry=registry)

    def text(self) -> bytes:
        """Return everything in the Prometheus text format."""
        return generate_latest(self.registry)
