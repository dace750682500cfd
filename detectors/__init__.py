"""Detection as a pure function over a batch of declarations: no Kafka, no clock, no network."""
