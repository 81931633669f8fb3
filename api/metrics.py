"""What is counted, for Prometheus. Labels hold codes only, never anything of a customer's."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from graph.ports import Outcome
from infra.breakers import State, Status
from infra.postgres.database import PoolState
from infra.postgres.spend import Ceiling
from skills.errors import Crowd

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

_BREAKER: dict[State, int] = {"closed": 0, "half-open": 1, "open": 2}


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
        self.reports = Counter(
            "csagent_delivery_reports",
            "Providers' reports of deliveries",
            ["channel", "status"],
            registry=self.registry,
        )
        self.reconciled = Counter(
            "csagent_reconciliations",
            "Unknown deliveries that a provider was asked about, by what was found",
            ["channel", "found"],
            registry=self.registry,
        )
        self.webhooks_refused = Counter(
            "csagent_webhooks_refused",
            "Providers' requests turned away as forged or unreadable",
            ["channel", "reason"],
            registry=self.registry,
        )
        self.files_fetched = Counter(
            "csagent_files_fetched",
            "Customers' files fetched from providers, by result",
            ["channel", "result"],
            registry=self.registry,
        )
        self.queue_due = Gauge("csagent_queue_due", "Cases that wait for a worker", registry=self.registry)
        self.queue_oldest = Gauge(
            "csagent_queue_oldest_seconds", "How long the oldest of them has waited", registry=self.registry
        )
        self.outbox_pending = Gauge("csagent_outbox_pending", "Texts that wait to be sent", registry=self.registry)
        self.outbox_troubled = Gauge(
            "csagent_outbox_troubled", "Texts that need a person", ["state"], registry=self.registry
        )
        self.breaker_state = Gauge(
            "csagent_breaker_state",
            "Circuit breakers of outside services: 0 closed, 1 half-open, 2 open",
            ["name"],
            registry=self.registry,
        )
        self.breaker_opened = Counter(
            "csagent_breaker_opened",
            "Times that a breaker opened, failed probes included",
            ["name"],
            registry=self.registry,
        )
        self.model_tokens = Counter(
            "csagent_model_tokens",
            "Tokens that the language model took in and gave out, estimates included where it doesn't tell",
            ["direction"],
            registry=self.registry,
        )
        self.refused_spending = Counter(
            "csagent_spend_refused",
            "Calls of the language model that were not made, by the ceiling that was reached",
            ["ceiling"],
            registry=self.registry,
        )
        self.shed = Counter(
            "csagent_requests_shed",
            "Requests turned away with 503 because too much was going on, by where there was no room",
            ["reason"],
            registry=self.registry,
        )
        self.dead_letters_open = Gauge(
            "csagent_dead_letters_open", "Messages given up that no person has dealt with", registry=self.registry
        )
        self.alert_sends = Counter(
            "csagent_alert_sends", "Attempts to tell somebody, by result", ["medium", "result"], registry=self.registry
        )
        self.alerts_waiting = Gauge(
            "csagent_alert_sends_waiting", "Alerts that somebody has still to be told of", registry=self.registry
        )
        self.alerts_oldest = Gauge(
            "csagent_alert_sends_oldest_seconds", "How long the oldest of them has waited", registry=self.registry
        )
        self.alerts_failed = Gauge(
            "csagent_alert_sends_failed", "Alerts that could not be told within a week", registry=self.registry
        )
        self.alerts_untold = Gauge(
            "csagent_alerts_untold", "Alerts of the last day that there was nobody to tell of", registry=self.registry
        )
        self.scheduler_leader = Gauge(
            "csagent_scheduler_leader", "Whether this process is the scheduler that leads", registry=self.registry
        )
        self.scheduler_jobs = Counter(
            "csagent_scheduler_jobs",
            "Jobs of the scheduler by how they ended",
            ["job", "result"],
            registry=self.registry,
        )

    def watch_pool(self, state: Callable[[], PoolState]) -> None:
        """Tell the state of the pool of connections whenever somebody asks for the metrics."""
        self.registry.register(_Pool(state))

    def spent(self, taken: int, given: int) -> None:
        """Count the tokens of a model's call."""
        self.model_tokens.labels(direction="in").inc(taken)
        self.model_tokens.labels(direction="out").inc(given)

    def spend_refused(self, ceiling: Ceiling) -> None:
        """Count a call that was not made."""
        self.refused_spending.labels(ceiling=ceiling).inc()

    def request_shed(self, reason: Crowd) -> None:
        """Count a request that was turned away."""
        self.shed.labels(reason=reason).inc()

    def observe_breaker(self, status: Status) -> None:
        """Note the state that a breaker has turned to."""
        self.breaker_state.labels(name=status.name).set(_BREAKER[status.state])
        opened = self.breaker_opened.labels(name=status.name)  # there with 0 from the start, as a rate needs it
        if status.state == "open":
            opened.inc()

    def observe_turn(self, outcome: Outcome) -> None:
        """Count a committed turn."""
        self.turn_seconds.observe(outcome.milliseconds["graph"] / 1000)
        if outcome.pause is None:
            self.turns.labels(outcome="done").inc()
            return
        self.turns.labels(outcome="paused").inc()
        for reason in outcome.state["escalation"].reasons:
            self.escalations.labels(rule=reason.rule, severity=reason.severity.value).inc()


class _Pool(Collector):
    """Asks the pool when it is asked itself: what is sampled in between would be old."""

    def __init__(self, state: Callable[[], PoolState]) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """One reading."""
        now, name = self._state(), "csagent_database_pool"
        yield GaugeMetricFamily(f"{name}_size", "Connections that the pool has", now.size)
        yield GaugeMetricFamily(f"{name}_available", "Connections that nobody uses", now.available)
        yield GaugeMetricFamily(f"{name}_waiting", "Callers that wait for a connection", now.waiting)
        yield CounterMetricFamily(f"{name}_waits", "Callers that had to wait for a connection", now.waits)
        yield CounterMetricFamily(f"{name}_wait_seconds", "How long all of them waited", now.wait_seconds)
        yield CounterMetricFamily(f"{name}_refused", "Callers that were turned away", now.refused)
