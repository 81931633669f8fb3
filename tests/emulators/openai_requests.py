"""What a request in OpenAI's protocol may look like. Stricter than the real server: see ``openai_server``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

_LONGEST_TOKENS = 8_191
_MOST_TOKENS = 300_000

_Text = Annotated[str, StringConstraints(min_length=1)]
_Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Message(_Part):
    role: Literal["system", "developer", "user", "assistant"]
    content: _Text


class _Schema(_Part):
    name: _Name
    definition: dict[str, Any] = Field(alias="schema")
    strict: bool = False
    description: str | None = None

    @model_validator(mode="after")
    def _closed_if_strict(self) -> Self:
        _check_schema(self.definition, strict=self.strict)
        return self


class _ResponseFormat(_Part):
    type: Literal["json_schema"]
    json_schema: _Schema


class _Function(_Part):
    name: _Name
    parameters: dict[str, Any]
    description: str = ""
    strict: bool = False

    @model_validator(mode="after")
    def _closed_if_strict(self) -> Self:
        _check_schema(self.parameters, strict=self.strict)
        return self


class _Tool(_Part):
    type: Literal["function"]
    function: _Function


class _ChosenFunction(_Part):
    name: _Name


class _Choice(_Part):
    type: Literal["function"]
    function: _ChosenFunction


class Chat(_Part):
    """The body of a chat completion."""

    model: _Text
    messages: Annotated[list[_Message], Field(min_length=1)]
    temperature: Annotated[float, Field(ge=0, le=2)] = 1
    stream: Literal[False] = False
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    response_format: _ResponseFormat | None = None
    tools: list[_Tool] | None = None
    tool_choice: _Choice | Literal["auto", "required", "none"] | None = None
    parallel_tool_calls: bool | None = None

    @model_validator(mode="after")
    def _choice_is_offered(self) -> Self:
        names = {tool.function.name for tool in self.tools or []}
        if isinstance(self.tool_choice, _Choice) and self.tool_choice.function.name not in names:
            raise ValueError("tool_choice names no tool")
        return self


class Embeddings(_Part):
    """The body of an embedding."""

    model: _Text
    input: _Text | Annotated[list[_Text], Field(min_length=1, max_length=2048)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        sizes = [len(text.encode()) for text in self.texts]
        if max(sizes) > _LONGEST_TOKENS or sum(sizes) > _MOST_TOKENS:
            raise ValueError("maximum context length exceeded")
        return self

    @property
    def texts(self) -> list[str]:
        return [self.input] if isinstance(self.input, str) else self.input


def _check_schema(schema: Mapping[str, Any], *, strict: bool) -> None:
    if schema.get("type") != "object":
        raise ValueError("the schema's root must be an object")
    if not strict:
        return
    for node in _objects(schema):
        properties = node.get("properties", {})
        if node.get("additionalProperties") is not False or set(node.get("required", [])) != set(properties):
            raise ValueError("strict: every object closed, every property required")


def _objects(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, Mapping):
        if node.get("type") == "object":
            yield node
        for child in node.values():
            yield from _objects(child)
    elif isinstance(node, list):
        for child in node:
            yield from _objects(child)
