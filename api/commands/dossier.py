"""An escalation as a reviewer reads it at a terminal; the proposal last, next to what is decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from api.commands.printing import indented, left, line, severity, title, visible, window
from infra.postgres.cases import TranscriptMessage
from infra.postgres.escalations import ReadEscalation

_AUTHOR_STYLES = {"customer": "bold", "agent": "cyan", "human": "green", "system": "dim"}


def print_dossier(console: Console, read: ReadEscalation) -> None:
    """The whole escalation."""
    request = read.request
    _print_head(console, read)
    console.print(title("What was said"))
    _print_messages(console, read.transcript)
    if read.later_messages:
        console.print(title("Written since: the proposal does not answer it"), style="yellow")
        _print_messages(console, read.later_messages)
    console.print(title("Why you are asked"))
    for reason in request["reasons"]:
        console.print(
            indented(
                Text.assemble(severity(reason["severity"]), f" {reason['rule']}: {line(reason['explanation'], 300)}")
            )
        )
        if guidance := reason.get("guidance"):  # an older request has none
            console.print(indented(Text(line(guidance, 500), style="bold")))
    for finding in request.get("findings", ()):
        console.print(title(f"A guard took out ({finding['guard']}): {line(finding['reason'], 300)}"))
        console.print(indented(Text(visible(finding["sentence"]), style="dim")))
    _print_sources(console, request["sources"])
    _print_elsewhere(console, request.get("elsewhere", ()))
    for match in request.get("possible_matches", ()):
        console.print(title("May be the same customer"))
        console.print(
            indented(
                Text(
                    f"{match}: proved an address that is named here, or fits what is said. "
                    "`csagent customers show` says more"
                )
            )
        )
    for rejected in request["rejected"]:
        console.print(title(f"Rejected before: {line(rejected['reason'])}"))
        console.print(indented(Text(visible(rejected["draft"]), style="dim")))
    console.print()
    console.print(_proposal(request))
    console.print(Text.assemble("you may  ", (", ".join(request["actions"]), "bold")))
    console.print(Text.assemble("version  ", (read.version, "bold")))


def print_changes(console: Console, changes: Mapping[str, Any]) -> None:
    """What is different from the version that was decided on."""
    if changes.get("decided"):
        console.print(Text(f"decided: {line(str(changes['decided']))}"), soft_wrap=True)
    if changes.get("claimed_by"):
        console.print(Text(f"{line(str(changes['claimed_by']))} is at it"), soft_wrap=True)
    if changes.get("proposal_changed"):
        console.print("the proposal is another one")
    for message in changes.get("new_messages") or ():
        console.print("the customer has written since:")
        console.print(indented(str(message)))
    console.print(Text.assemble("version now  ", (str(changes.get("version", "")), "bold")))


def _print_head(console: Console, read: ReadEscalation) -> None:
    time = (
        Text(f"decided: {line(read.decided)}", style="green")
        if read.decided
        else left(read.reply_by, datetime.now(UTC))
    )
    console.print(
        Text.assemble(severity(read.severity), "  ", time, f"  {read.channel}  {read.created_at:%Y-%m-%d %H:%M} UTC")
    )
    customer = [
        line(read.customer_name or "no name"),
        read.customer_language or "language unknown",
        read.customer_segment,
    ]
    console.print(Text(", ".join(customer)))
    if read.window_closes_at is not None and not read.decided:
        console.print(window(read.window_closes_at, datetime.now(UTC)))
    if read.claimed_by:
        console.print(Text(f"{line(read.claimed_by)} is at it", style="yellow"))
    console.print(Text(f"escalation {read.id}", style="dim"))


def _print_messages(console: Console, messages: Sequence[TranscriptMessage]) -> None:
    for message in messages:
        delivery = f", {message.delivery}" if message.delivery and message.delivery != "sent" else ""
        console.print(
            indented(
                Text.assemble(
                    (message.author, _AUTHOR_STYLES[message.author]), (f"  {message.at:%H:%M} UTC{delivery}", "dim")
                )
            )
        )
        console.print(indented(message.text, 4))


def _print_sources(console: Console, sources: Sequence[Mapping[str, Any]]) -> None:
    cited = [source for source in sources if source["cited"]]
    others = len(sources) - len(cited)
    console.print(title("Sources of the proposal"))
    for source in cited:
        heading = "" if source["heading"] == source["title"] else f" > {source['heading']}"
        console.print(
            indented(Text.assemble((f"{source['similarity']:.2f}  ", "cyan"), line(f"{source['title']}{heading}")))
        )
        console.print(indented(Text(visible(source["text"]), style="dim"), 8))
    if not cited:
        console.print(indented(Text("none: it cites nothing", style="yellow")))
    if others:
        console.print(indented(Text(f"{others} more found and not cited", style="dim")))


def _print_elsewhere(console: Console, said: Sequence[Mapping[str, Any]]) -> None:
    if said:
        console.print(title("Lately, in other talks of this customer"))
    for message in said:
        head = (message["author"], _AUTHOR_STYLES[message["author"]])
        console.print(indented(Text.assemble(head, (f"  {line(message['channel'])}  {line(message['at'])}", "dim"))))
        console.print(indented(message["text"], 4))


def _proposal(request: Mapping[str, Any]) -> Panel | Text:
    if not request["proposal"]:
        return Text("The agent proposes nothing: answer yourself, or take over.", style="bold yellow")
    known = "answers" if request["answered"] else "says that it does not know"
    return Panel(
        Text(visible(request["proposal"])),
        title="the proposal",
        title_align="left",
        subtitle=f"{line(request['model'])} {known}, confidence {request['confidence']:.2f}",
        subtitle_align="right",
    )
