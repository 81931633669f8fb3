"""A model's answers by prompt hash, in a file of this machine, with a ledger of the calls that were made.

For evaluations only: the same suite costs nothing the second time, and its report says what the first time took.
Answers lie there as they came, unsealed, so that customers' data never belong in it. Deleting it costs calls and
nothing else.

It stands around the model itself, inside of breakers and budgets: what is kept costs neither. A failure is written down
and not kept: the next run asks again. Killed between answer and keeping, it asks again too.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from infra.models.usage import USAGE, Usage
from skills.errors import ModelUnavailableError
from skills.ports import Answer, StructuredModel

_WAIT_SECONDS = 60.0
"""Several processes may write at a time."""


@dataclass(frozen=True, slots=True)
class Calls:
    """What questions to a model took: how many were answered from the file, and how many calls there were besides."""

    kept: int = 0
    made: int = 0
    failed: int = 0
    """Questions that stayed without an answer, whatever was tried."""
    tokens_in: int = 0
    tokens_out: int = 0

    def since(self, earlier: Calls) -> Calls:
        """What came on top of an earlier reading."""
        return Calls(
            self.kept - earlier.kept,
            self.made - earlier.made,
            self.failed - earlier.failed,
            self.tokens_in - earlier.tokens_in,
            self.tokens_out - earlier.tokens_out,
        )

    def __str__(self) -> str:
        """For a report's remarks."""
        return (
            f"{self.made} calls to the model, {self.tokens_in} tokens in and {self.tokens_out} out, "
            f"{self.failed} questions failed, {self.kept} answered from the cache"
        )


class RepliesFile:
    """The file. Each use opens it anew, so that processes and event loops share it without ado.

    Args:
        file: where; it is made when it is missing.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as connection:
            connection.execute("pragma journal_mode = wal")
            connection.executescript(
                "create table if not exists replies (prompt blob primary key, reply text not null) without rowid;"
                "create table if not exists calls (id integer primary key, prompt blob not null, made integer not null,"
                " tokens_in integer not null, tokens_out integer not null, failure text);"
            )

    def find(self, prompt: bytes) -> str | None:
        """The answer to a prompt, if there was one."""
        with closing(self._connect()) as connection:
            row = connection.execute("select reply from replies where prompt = ?", [prompt]).fetchone()
        return None if row is None else str(row[0])

    def keep(self, prompt: bytes, reply: str) -> None:
        """Remember an answer."""
        with closing(self._connect()) as connection:
            connection.execute("insert or replace into replies values (?, ?)", [prompt, reply])

    def note(self, prompt: bytes, usage: Usage, failure: str | None = None) -> None:
        """Write down what a question took; no call at all is an answer from here."""
        with closing(self._connect()) as connection:
            connection.execute(
                "insert into calls (prompt, made, tokens_in, tokens_out, failure) values (?, ?, ?, ?, ?)",
                [prompt, usage.begun, usage.tokens_in, usage.tokens_out, failure],
            )

    def calls(self) -> Calls:
        """Everything that was ever asked through this file."""
        with closing(self._connect()) as connection:
            row = connection.execute(
                "select count(*) filter (where made = 0 and failure is null), coalesce(sum(made), 0),"
                " count(failure), coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0) from calls"
            ).fetchone()
        return Calls(*map(int, row))

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, timeout=_WAIT_SECONDS, isolation_level=None)


class FiledModel:
    """A ``StructuredModel`` that asks another one only what the file does not know.

    Args:
        model: who is asked.
        server: where it is: the same name elsewhere is another model.
        file: where the answers are.
    """

    def __init__(self, model: StructuredModel, *, server: str, file: RepliesFile) -> None:
        self._model = model
        self._server = server
        self._file = file

    @property
    def name(self) -> str:
        """The asked model's."""
        return self._model.name

    async def fill(self, *, instructions: str, material: str, form: type[Answer]) -> Answer:
        """The answer that is kept, else the asked model's, which is then kept.

        Raises:
            ModelUnavailableError: as the asked model raises it.
        """
        parts = [self._server, self.name, form.model_json_schema(), instructions, material]
        prompt = hashlib.sha256(json.dumps(parts).encode()).digest()
        if (kept := self._file.find(prompt)) is not None:
            try:
                answer = form.model_validate_json(kept)
            except ValidationError:
                pass  # damaged: asked again
            else:
                self._file.note(prompt, Usage())
                _tell(USAGE.get(), _FREE)
                return answer
        usage, outer = Usage(), USAGE.get()
        token = USAGE.set(usage)
        try:
            answer = await self._model.fill(instructions=instructions, material=material, form=form)
        except ModelUnavailableError as error:
            self._file.note(prompt, usage, failure=str(error))
            raise
        finally:
            USAGE.reset(token)
            _tell(outer, usage)
        self._file.note(prompt, Usage(max(usage.begun, 1), usage.known, usage.tokens_in, usage.tokens_out))
        self._file.keep(prompt, answer.model_dump_json())
        return answer


_FREE = Usage(begun=1, known=1)
"""A call that certainly cost nothing."""


def _tell(payer: Usage | None, usage: Usage) -> None:
    """Add what was taken to the account of whoever pays, if somebody keeps one."""
    if payer is not None:
        payer.begun += usage.begun
        payer.known += usage.known
        payer.tokens_in += usage.tokens_in
        payer.tokens_out += usage.tokens_out
