"""The demo: a Kafka, workers, a simulated feed with injected cases, a live view, and a closing report.

::

    Feeder --declarations--> Kafka --> worker processes --alerts--> Watch --> view, closing report

Everything runs in a temporary folder, on loopback, under names of its own, and is stopped and removed at the end.
"""
