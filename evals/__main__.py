"""``make eval``: measures the agent's judgement, suite by suite; ends with one line of JSON.

``ARGS="--only retrieval"`` runs those named alone; ``--data`` says where the public data lie. Without a language model
this measures wiring, policy, retrieval and abstention, not prose. With OPENAI_API_KEY and OPENAI_BASE_URL set the same
suites run against that server; its answers are kept by prompt, so that a second run calls nobody, and every suite says
how many calls, tokens and failures it took.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from api.agent import open_chat_model, open_embedder
from evals.measure.vectors import FileVectorCache, cache_folder, vectors_file
from evals.suite import Context, Figure, Report, Suite
from evals.suites import SUITES
from infra.breakers import Breakers
from infra.models.cache import CachedEmbedder
from infra.models.replies import Calls, RepliesFile
from infra.settings import Settings, read_settings

DATA = Path("../shared/data")
"""Where the public data are looked for, seen from the project's root."""


async def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suites, print their figures; 1 when one is below its floor."""
    asked = _parser().parse_args(arguments)
    console = Console(stderr=True, highlight=False)
    chosen = [suite for suite in SUITES if not asked.only or suite.name in asked.only]
    line: dict[str, object] = {}
    below: list[str] = []
    cache = FileVectorCache(vectors_file())
    with _replies(keep=not asked.no_cache) as replies:
        settings = _keeping(read_settings(), replies)
        async with open_embedder(settings) as embedder, open_chat_model(settings, breakers=Breakers()) as model:
            context = Context(
                data=asked.data,
                embedder=CachedEmbedder(embedder, cache),
                say=lambda text: console.print(f"  {text}"),
                settings=settings,
                model=model,
            )
            if model is not None:
                line["model"] = model.name
            for suite in chosen:
                missing = [name for name in suite.needs if not (asked.data / name).is_dir()]
                if missing:
                    console.print(f"{suite.name}: skipped, {asked.data} has no {', '.join(missing)}; say --data")
                    continue
                before = RepliesFile(replies).calls()
                report = await _report(suite, context, console)
                line |= {figure.name: round(figure.value, 4) for figure in report.figures} | dict(report.details)
                below += [figure.name for figure in report.figures if not figure.holds]
                if model is not None:
                    line[f"{suite.name}_calls"] = _told(RepliesFile(replies).calls().since(before), console)
    cache.close()
    print(json.dumps(line | {"below_floor": below}))  # noqa: T201 - the line that scripts read
    return 1 if below else 0


@contextmanager
def _replies(*, keep: bool) -> Iterator[Path]:
    """The file of a model's answers: the one that every run shares, or one that is gone after this run."""
    if keep:
        yield cache_folder() / "replies.sqlite"
        return
    with TemporaryDirectory(prefix="csagent-eval-") as folder:
        yield Path(folder) / "replies.sqlite"


def _keeping(settings: Settings, replies: Path) -> Settings:
    """The settings, with a model that keeps its answers there."""
    model = settings.model.model_copy(update={"replies_file": replies})
    return settings.model_copy(update={"model": model})


def _told(calls: Calls, console: Console) -> dict[str, int]:
    console.print(f"  {calls}")
    return asdict(calls)


async def _report(suite: Suite, context: Context, console: Console) -> Report:
    console.print(f"{suite.name}: {suite.measures}")
    began = time.monotonic()
    report = await suite.run(context)
    console.print(_table(suite, report, time.monotonic() - began))
    for remark in report.remarks:
        console.print(f"  {remark}")
    return report


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make eval", description="Measure the agent's judgement.")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the public data (default: %(default)s)")
    parser.add_argument(
        "--no-cache", action="store_true", help="ask a configured model again, and keep none of its answers"
    )
    parser.add_argument(
        "--only", type=_names, default=set(),
        help=f"suites, with commas between them: {', '.join(suite.name for suite in SUITES)}",
    )  # fmt: skip
    return parser


def _names(text: str) -> set[str]:
    """The suites named, none twice; argparse says the message of its error in one line."""
    names = {name.strip() for name in text.split(",")} - {""}
    known = {suite.name for suite in SUITES}
    if not names or names - known:
        raise argparse.ArgumentTypeError(f"there is no suite {', '.join(sorted(names - known)) or 'without a name'}")
    return names


def _table(suite: Suite, report: Report, seconds: float) -> Table:
    table = Table(title=f"{suite.name} ({seconds:.0f} s)", title_justify="left")
    for column in ("figure", "value", "95 %", "floor", "what it is"):
        table.add_column(column)
    for figure in report.figures:
        table.add_row(figure.name, f"{figure.value:.4f}", _interval(figure), _floor(figure), figure.stated)
    return table


def _interval(figure: Figure) -> str:
    return "" if figure.interval is None else f"{figure.interval[0]:.3f} to {figure.interval[1]:.3f}"


def _floor(figure: Figure) -> str:
    if figure.floor is None:
        return ""
    sign = "≥" if figure.better == "higher" else "≤"
    return f"{sign} {figure.floor:g}" + ("" if figure.holds else ", missed")


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        sys.exit(runner.run(main()))
