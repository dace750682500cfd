"""What a worker counts and measures, in the Prometheus text format at ``/metrics``."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

_BATCHES = (1, 4, 16, 64, 128, 256, 512, 1024, 2048)
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LATENCIES = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600)


class Metrics:
    """The metrics of one worker, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        self.messages = Counter(
            "assay_messages", "messages of feeds that were decoded", ["system", "format"], registry=registry
        )
        self.duplicates = Counter(
            "assay_duplicate_messages", "messages that said nothing new", ["system"], registry=registry
        )
        self.doubtful_mrns = Counter(
            "assay_doubtful_mrns", "MRNs with a wrong check digit", ["system"], registry=registry
        )
        self.waiting = Gauge(
            "assay_waiting_messages",
            "messages that wait for what they speak of",
            ["system", "partition"],
            registry=registry,
        )
        self.last_message = Gauge(
            "assay_last_message_timestamp_seconds",
            "when the last message of a source came",
            ["system"],
            registry=registry,
        )
        self.judged = Counter("assay_declarations_judged", "declarations judged by screen", registry=registry)
        self.dead_letters = Counter(
            "assay_dead_letters", "records that could not be used", ["stage"], registry=registry
        )
        self.findings = Counter("assay_findings", "findings of screen and profile", ["code"], registry=registry)
        self.late = Counter(
            "assay_late_facts", "declarations too late for a profile's window, noted only", registry=registry
        )
        self.profiles_written = Counter("assay_profile_states_written", "states written", registry=registry)
        self.warming = Gauge(
            "assay_profile_warming_up", "1 while the history is shorter than the window", ["profile"], registry=registry
        )
        self.alerts = Counter("assay_alerts", "alert revisions written", ["severity", "status"], registry=registry)
        self.failures = Counter(
            "assay_stage_failures", "batches done again after an error", ["stage"], registry=registry
        )
        self.refused = Counter(
            "assay_refused_updates", "rule packs, tables and models refused", ["kind"], registry=registry
        )
        self.drift = Gauge(
            "assay_model_drift",
            "population stability index of a champion's feature or score, newest window (0.25 is large)",
            ["model", "of"],
            registry=registry,
        )
        self.drift_ks = Gauge(
            "assay_model_drift_ks", "Kolmogorov-Smirnov distance of a champion's scores", ["model"], registry=registry
        )
        self.model_failures = Counter(
            "assay_model_failures", "failures of challengers, and of the watch on models", ["part"], registry=registry
        )
        self.unknown_fields = Counter("assay_unknown_fields", "fields left out of declarations", registry=registry)
        self.batch_records = Histogram(
            "assay_batch_records", "records in a batch", ["stage"], buckets=_BATCHES, registry=registry
        )
        self.stage_seconds = Histogram(
            "assay_stage_seconds", "time for a batch, sending included", ["stage"], buckets=_SECONDS, registry=registry
        )
        self.latency = Histogram(
            "assay_alert_latency_seconds",
            "from a declaration's record in Kafka to its alert written",
            buckets=_LATENCIES,
            registry=registry,
        )
        self.lag = Gauge("assay_lag_records", "records not yet committed", ["topic", "partition"], registry=registry)
        self.last_progress = Gauge(
            "assay_last_progress_timestamp_seconds", "when a batch was last finished", registry=registry
        )
        self.versions = Gauge("assay_versions", "what judges now (value 1)", ["part", "version"], registry=registry)

    def version(self, part: str, version: str) -> None:
        """Show the version of a part (rules, reference, engine) and forget the one before."""
        self.versions.remove_by_labels({"part": part})
        self.versions.labels(part, version).set(1)

    def forget_version(self, part: str) -> None:
        """Show no version of a part any more."""
        self.versions.remove_by_labels({"part": part})

    def drifted(self, model: str, indices: Mapping[str, float], ks: float) -> None:
        """Show how far a champion's features and scores are from its hold-out."""
        for of, index in indices.items():
            self.drift.labels(model, of).set(index)
        self.drift_ks.labels(model).set(ks)

    def text(self) -> bytes:
        """Return everything in the Prometheus text format."""
        return generate_latest(self.registry)
