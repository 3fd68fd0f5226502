"""What the worker's long-running loops report to Prometheus."""

from prometheus_client import Counter, Gauge

OUTBOX_DEPTH = Gauge("ventros_outbox_depth", "Events that wait to be moved to the event log.")
OUTBOX_OLDEST = Gauge("ventros_outbox_oldest_seconds", "How long the oldest event has waited.")
EVENTS_MOVED = Counter("ventros_events_moved", "Events moved to the event log.")
RELAY_LEADING = Gauge("ventros_relay_leading", "1 in the one process that moves events, 0 in the others.")
SINK_LAG = Gauge(
    "ventros_sink_lag_seconds", "Age of the newest event a sink has dealt with, when it did.", ["sink"]
)
SINK_POSITION = Gauge("ventros_sink_position", "The event log's position a sink has dealt with.", ["sink"])
SINK_FAILURES = Counter("ventros_sink_failures", "Batches a sink could not deliver yet.", ["sink"])
