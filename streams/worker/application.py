"""The Faust app of a worker: its settings, with the reason for each that is not stock."""

from __future__ import annotations

import faust

from streams import clients
from streams.settings import Settings
from streams.worker.transport import BlockTransport

#: Blocks that fit into the queue of an agent: never full, since the transport reads no more than an agent can keep up with.
QUEUE_BLOCKS = 100_000
#: A worker that is killed keeps its partitions for so long; below the group's rebalance time, above a long pause.
SESSION_SECONDS = 10.0


def faust_app(chosen: Settings) -> faust.App:
    """Return a Faust app for these settings, with the block transport and without web server, leader topic or tables."""
    store = chosen.state_dir / "faust"
    store.mkdir(parents=True, exist_ok=True)
    app = faust.App(
        chosen.group,
        broker=clients.faust_broker_url(chosen),
        broker_credentials=clients.faust_credentials(chosen),
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=SESSION_SECONDS / 4,
        broker_commit_interval=1.0,
        broker_max_poll_records=2048,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=4 * 1024 * 1024,
        producer_max_request_size=clients.MAX_REQUEST_BYTES,
        producer_max_batch_size=256 * 1024,
        producer_compression_type=clients.compression(),
        stream_buffer_maxsize=QUEUE_BLOCKS,
        datadir=store,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        worker_redirect_stdouts=False,
    )
    app.transport = BlockTransport(app.conf.broker_consumer, app)
    app.producer_transport = BlockTransport(app.conf.broker_producer, app)
    return app
