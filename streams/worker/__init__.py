"""The worker: Faust agents that drive the stage functions of :mod:`detectors.engine` over Kafka topics."""
