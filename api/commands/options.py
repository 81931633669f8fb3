"""Arguments and options that several commands share, so that they read alike in every ``--help``."""

from __future__ import annotations

from typing import Annotated

import typer

SHORTEST = 8
"""Characters of an id's beginning that are asked for at least."""

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")]
Id = Annotated[str, typer.Argument(help=f"The id, or as much of its beginning as is unique, {SHORTEST} or more.")]
Name = Annotated[str | None, typer.Option("--as", help="Who you are, for the records.", show_default="your login")]
