"""The broker and topics of the integration tests, for tests that kill what runs on them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_INTEGRATION = Path(__file__).parents[1] / "integration"
sys.path.insert(0, str(_INTEGRATION))  # worker_process
_spec = importlib.util.spec_from_file_location("integration_fixtures", _INTEGRATION / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)

kafka = _fixtures.kafka
cluster = _fixtures.cluster
cluster_environment = _fixtures.cluster_environment
