"""What the staff are told of, as pages, programs and the command line ask for it."""

from __future__ import annotations

from dataclasses import dataclass

from infra.postgres.alert_endpoints import AlertEndpoints
from infra.postgres.alert_sends import AlertSends
from infra.postgres.alerts import Alerts


@dataclass(frozen=True, slots=True)
class AlertDesk:
    """``noted``: what there is to tell; ``sends``: how it gets there; ``endpoints``: programs that are told.

    ``mail`` says whether there is a server to hand mails to.
    """

    noted: Alerts
    sends: AlertSends
    endpoints: AlertEndpoints
    mail: bool
