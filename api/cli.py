"""``csagent``: one command line for everything; the entry-point group ``csagent.commands`` names its sub-commands."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points

import typer
from rich.console import Console
from rich.markup import escape

from skills.errors import SupportError

_GROUP = "csagent.commands"


def build(asked: str | None = None) -> typer.Typer:
    """The application with its commands, in the order of their entry points.

    Args:
        asked: load this command only, if there is one of that name: a worker need not import what the others need.
    """
    app = typer.Typer(
        name="csagent",
        help="Customer support that loses nothing, sends nothing twice, and asks a person when it should.",
        epilog="First time here? `csagent sample` starts everything and plays a company's customers through it.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(lambda: None)  # keeps the command's name on the line even when it is the only one loaded
    entries = entry_points(group=_GROUP)
    for entry in entries.select(name=asked) or entries if asked else entries:
        command = entry.load()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=entry.name)
        else:
            app.command(entry.name)(command)
    return app


def main() -> None:
    """Run; an error of ours is one line and a hint, with exit code 1."""
    try:
        build(sys.argv[1] if len(sys.argv) > 1 else None)()
    except SupportError as error:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(f"[bold red]error:[/] {escape(str(error))}")
        if error.hint:
            console.print(f"[dim]hint:[/]  {escape(error.hint)}")
        sys.exit(1)


if __name__ == "__main__":
    main()
