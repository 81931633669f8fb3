from __future__ import annotations

import pytest

from evals.loadtest.audit import Audit
from evals.loadtest.record import Record


def test_a_long_run_has_few_intervals_and_the_last_takes_what_comes_at_its_end() -> None:
    record = Record(7200)
    assert len(record.intervals) == 120
    record.due(7200.0, behind=0.0)
    assert record.intervals[-1].due == 1


def test_drift_compares_the_last_quarter_with_the_first() -> None:
    record = Record(40)
    for second in range(40):
        record.replied(second, 1.0 if second < 30 else 3.0, "agent")
    assert record.drift == pytest.approx(3.0, rel=0.02)
    assert Record(40).drift is None


def test_a_summary_is_in_milliseconds_and_counts_everything() -> None:
    record = Record(10)
    record.due(0, behind=0.005)
    record.acknowledged(0, 0.02)
    record.replied(0, 0.5, "system")
    record.failed(0, "HTTP 503")
    record.audit.add(Audit(doubled_replies=2))
    told = record.summary()
    assert told["reply_ms"]["p95"] == 500.0
    assert told["acknowledge_ms"]["max"] == 20.0
    assert told["handed_to_person"] == 1
    assert told["errors"] == {"HTTP 503": 1}
    assert told["doubled_replies"] == 2
    assert told["generator_behind_ms"] == 5.0
    assert not record.clean
