"""What is counted, for Prometheus. Labels hold codes only, never anything of a customer's."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from graph.ports import Outcome

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Metrics:
    """The metrics of one process, on a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.received = Counter(
            "csagent_messages_received",
            "Messages committed to the inbox",
            ["channel", "duplicate"],
            registry=self.registry,
        )
        self.acknowledged = Histogram(
            "csagent_acknowledge_seconds",
            "From request to commit",
            ["channel"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.turns = Counter("csagent_turns", "Turns by how they ended", ["outcome"], registry=self.registry)
        self.turn_seconds = Histogram(
            "csagent_turn_seconds", "Time in the graph", buckets=_SECONDS, registry=self.registry
        )
        self.escalations = Counter(
            "csagent_escalations", "Escalations by rule", ["rule", "severity"], registry=self.registry
        )
        self.decisions = Counter("csagent_decisions", "Reviewers' decisions", ["action"], registry=self.registry)
        self.sends = Counter("csagent_sends", "Deliveries by result", ["channel", "result"], registry=self.registry)
        self.queue_due = Gauge("csagent_queue_due", "Cases that wait for a worker", registry=self.registry)
        self.queue_oldest = Gauge(
            "csagent_queue_oldest_seconds", "How long the oldest of them has waited", registry=self.registry
        )
        self.outbox_pending = Gauge("csagent_outbox_pending", "Texts that wait to be sent", registry=self.registry)
        self.outbox_troubled = Gauge(
            "csagent_outbox_troubled", "Texts that need a person", ["state"], registry=self.registry
        )

    def observe_turn(self, outcome: Outcome) -> None:
        """Count a committed turn."""
        self.turn_seconds.observe(outcome.milliseconds["graph"] / 1000)
        if outcome.pause is None:
            self.turns.labels(outcome="done").inc()
            return
        self.turns.labels(outcome="paused").inc()
        for reason in outcome.state["escalation"].reasons:
            self.escalations.labels(rule=reason.rule, severity=reason.severity.value).inc()
