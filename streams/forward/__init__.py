"""Delivery of alerts to the tools of others: a consumer group of its own for each receiver.

::

    alerts ──► kafka_source ──► courier ──► a target: webhook, elasticsearch, splunk, syslog, file
                  │ commits        │ tries again, in order for each alert
                  └── after ◄──────┴──► refusals: what the receiver will never take

At least once: an offset is committed after the receiver has acknowledged the alert, or refused it for good and the refusal is on
disk. Ids do not change between tries, so a receiver that goes by them (or by the revision) holds each alert once.
"""
