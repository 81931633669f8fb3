from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from infra.models.replies import Calls, FiledModel, RepliesFile
from infra.models.usage import USAGE, Usage
from skills.errors import ModelUnavailableError
from skills.ports import Answer


class Form(BaseModel):
    text: str


class Longer(BaseModel):
    text: str
    more: str | None = None


class Counting:
    """Answers with what it was asked, and reports ten tokens in and two out."""

    name = "m-1"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failing = False

    async def fill(self, *, instructions: str, material: str, form: type[Answer]) -> Answer:
        self.asked.append(f"{instructions} {material}")
        account = USAGE.get()
        assert account is not None
        account.begun += 1
        if self.failing:
            raise ModelUnavailableError("timeout")
        account.known += 1
        account.tokens_in += 10
        account.tokens_out += 2
        return form.model_validate({"text": material})


async def ask(model: FiledModel, material: str = "hello", form: type[BaseModel] = Form) -> BaseModel:
    return await model.fill(instructions="Answer.", material=material, form=form)


async def test_a_second_run_calls_nobody_and_says_so(tmp_path: Path) -> None:
    file, inner = tmp_path / "cache" / "replies.sqlite", Counting()
    first = FiledModel(inner, server="http://one", file=RepliesFile(file))
    assert await ask(first) == Form(text="hello")
    before = RepliesFile(file).calls()
    assert before == Calls(kept=0, made=1, failed=0, tokens_in=10, tokens_out=2)
    second = FiledModel(inner, server="http://one", file=RepliesFile(file))
    assert await ask(second) == Form(text="hello")
    assert len(inner.asked) == 1
    assert RepliesFile(file).calls().since(before) == Calls(kept=1)


async def test_another_prompt_another_form_and_another_server_are_asked_anew(tmp_path: Path) -> None:
    inner, file = Counting(), RepliesFile(tmp_path / "replies.sqlite")
    model = FiledModel(inner, server="http://one", file=file)
    await ask(model)
    await ask(model, "goodbye")
    await ask(model, form=Longer)
    await ask(FiledModel(inner, server="http://two", file=file))
    assert len(inner.asked) == 4


async def test_a_failure_is_counted_and_asked_again(tmp_path: Path) -> None:
    inner, file = Counting(), RepliesFile(tmp_path / "replies.sqlite")
    model = FiledModel(inner, server="http://one", file=file)
    inner.failing = True
    with pytest.raises(ModelUnavailableError):
        await ask(model)
    inner.failing = False
    assert await ask(model) == Form(text="hello")
    assert file.calls() == Calls(made=2, failed=1, tokens_in=10, tokens_out=2)


async def test_who_pays_is_told_of_calls_and_of_answers_that_cost_nothing(tmp_path: Path) -> None:
    model = FiledModel(Counting(), server="http://one", file=RepliesFile(tmp_path / "replies.sqlite"))
    for expected in (Usage(1, 1, 10, 2), Usage(1, 1, 0, 0)):
        account = Usage()
        token = USAGE.set(account)
        await ask(model)
        USAGE.reset(token)
        assert account == expected


async def test_a_kept_answer_that_is_damaged_is_asked_again(tmp_path: Path) -> None:
    class Damaging(RepliesFile):
        def find(self, prompt: bytes) -> str | None:
            return None if super().find(prompt) is None else "{"

    inner = Counting()
    model = FiledModel(inner, server="http://one", file=Damaging(tmp_path / "replies.sqlite"))
    assert await ask(model) == await ask(model) == Form(text="hello")
    assert len(inner.asked) == 2
