"""Contracts of everything that crosses a boundary in Assay, as pydantic v2 models.

Nothing here touches the network, reads the clock, or knows the detectors.
"""

ENGINE_VERSION = "0.1.0"
