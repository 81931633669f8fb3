"""``csagent eval``: measures the agent's judgement on data of your own.

Each subcommand is a module ``evaluate_*.py`` beside this one and a line below.
"""

from __future__ import annotations

import typer

from evals.commands import evaluate_retrieval, evaluate_scope, evaluate_sentiment

app = typer.Typer(
    help="Measure the agent's judgement on your own data; nothing that is stored is read or changed.",
    no_args_is_help=True,
    epilog="Each ends with one line of JSON on the standard output. docs/quality.md says what is measured.",
)
app.command("retrieval")(evaluate_retrieval.command)
app.command("scope")(evaluate_scope.command)
app.command("sentiment")(evaluate_sentiment.sentiment)
