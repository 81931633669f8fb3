"""``csagent eval``: the product's judgement on others' data, each command ending with one line of JSON."""

from __future__ import annotations

import typer

from evals.commands.evaluate_sentiment import sentiment

app = typer.Typer(help="Measure the agent's judgement on your own data.", no_args_is_help=True)
app.callback()(lambda: None)  # keeps the command's name on the line even while there is only one
app.command("sentiment")(sentiment)
