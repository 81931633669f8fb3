"""A chat model that fills in forms, behind any server that speaks OpenAI's chat completions.

Importing this module brings langchain-openai and the SDK, half a second and 25 MB on top of LangGraph: import it only
when a key is set. Nothing here logs, and no error carries what was asked or answered.
"""

from __future__ import annotations

from typing import Any, Literal

from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_openai import ChatOpenAI
from langchain_openai.chat_models.base import OpenAIRefusalError
from openai import APIConnectionError, APIStatusError, APITimeoutError, DefaultAsyncHttpxClient
from pydantic import BaseModel, SecretStr

from infra.models.attempts import API, USUAL, Patience, ask
from infra.models.tracing import tracing
from infra.models.usage import USAGE, UsageReport
from infra.models.wellformed import wellformed
from skills.ports import Answer

Method = Literal["json_schema", "function_calling"]
"""How the form is asked for: as the answer's schema, or as a tool's arguments for servers that know no schemas."""


class OpenAIModel:
    """A ``StructuredModel`` over HTTP: temperature 0, one deadline, retries for what passes.

    ``base_url`` is never taken from the environment: ``None`` is OpenAI itself. ``traced`` lets LangSmith see the calls
    if its variables say so; leave it off unless the operator set a LangSmith key.
    """

    def __init__(
        self,
        *,
        model: str,
        key: SecretStr,
        base_url: str | None = None,
        method: Method = "json_schema",
        patience: Patience = USUAL,
        traced: bool = False,
    ) -> None:
        self._name = model
        self._method = method
        self._patience = patience
        self._traced = traced
        self._http = DefaultAsyncHttpxClient(timeout=patience.timeout())
        self._chat = ChatOpenAI(
            model=model,
            api_key=key,
            base_url=base_url or API,
            temperature=0,
            timeout=patience.timeout(),
            max_retries=0,  # attempts.ask retries
            http_async_client=self._http,
            use_responses_api=False,  # which compatible servers do not have
        )
        self._forms: dict[type[BaseModel], Runnable[Any, Any]] = {}

    @property
    def name(self) -> str:
        """The model's name, as the server knows it."""
        return self._name

    async def fill(self, *, instructions: str, material: str, form: type[Answer]) -> Answer:
        """Ask until answered or out of patience, and return the validated form.

        A form that holds a lone surrogate or a NUL is a bad answer too: the database takes neither.

        Raises:
            ModelUnavailableError: with an ``attempts.Reason`` as its message.
        """
        asked = self._asking_for(form)
        messages = [SystemMessage(wellformed(instructions)), HumanMessage(wellformed(material))]
        account = USAGE.get()
        config: RunnableConfig = {"callbacks": [UsageReport(account, free=_costs_nothing)]} if account else {}

        async def once() -> Answer:
            try:
                answer = await asked.ainvoke(messages, config)
            except OpenAIRefusalError:
                raise ValueError("refused to answer") from None
            if not isinstance(answer, form):
                raise TypeError("no form in the answer")
            if "\\u0000" in answer.model_dump_json():  # which itself refuses lone surrogates
                raise ValueError("a NUL in the answer")
            return answer

        with tracing(allowed=self._traced):
            return await ask(once, self._patience)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def _asking_for(self, form: type[BaseModel]) -> Runnable[Any, Any]:
        """The chat bound to a form; kept, because translating a form to a schema takes milliseconds."""
        if form not in self._forms:
            strict = True if self._method == "json_schema" else None
            self._forms[form] = self._chat.with_structured_output(form, method=self._method, strict=strict)
        return self._forms[form]


def _costs_nothing(error: BaseException) -> bool:
    """Turned away, or nobody there. What ran into a timeout may have been answered, and billed, after we hung up."""
    if isinstance(error, APITimeoutError):
        return False
    return isinstance(error, APIStatusError | APIConnectionError)
