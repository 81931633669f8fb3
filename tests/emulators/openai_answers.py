"""What a well-behaved answer in OpenAI's protocol looks like, and what it says unless a test decides."""

from __future__ import annotations

import base64
import json
import math
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from pydantic import BaseModel

from tests.emulators.openai_requests import Chat, Embeddings


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a responder gets to see: the two parts of the talk, and the form to fill in (``None``: plain text)."""

    instructions: str
    material: str
    form: str | None
    schema: Mapping[str, Any] | None


Said = str | Mapping[str, Any] | BaseModel
Responder = Callable[[ChatRequest], Said]


def chat_request(chat: Chat) -> ChatRequest:
    """The body of a request as a responder sees it."""
    tool = chat.tools[0].function if chat.tools else None
    asked = chat.response_format.json_schema if chat.response_format else None
    return ChatRequest(
        instructions="\n".join(message.content for message in chat.messages if message.role != "user"),
        material="\n".join(message.content for message in chat.messages if message.role == "user"),
        form=tool.name if tool else asked.name if asked else None,
        schema=tool.parameters if tool else asked.definition if asked else None,
    )


def completion(chat: Chat, content: str) -> dict[str, Any]:
    """The body of an answer: a tool call if tools were offered and there is something to say, else a message."""
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None}
    calling = bool(chat.tools and content)
    if chat.tools and content:
        call = {"name": chat.tools[0].function.name, "arguments": content}
        message |= {"content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": call}]}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": chat.model,
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if calling else "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def as_text(said: Said, *, spoiled: bool) -> str:
    """What the model says, as text; spoiled: with half a surrogate pair behind every string."""
    if isinstance(said, BaseModel):
        said = said.model_dump(mode="json")
    if isinstance(said, str):
        return said + "\ud800" if spoiled else said
    return json.dumps(_spoil(said) if spoiled else said)


def _spoil(value: Any) -> Any:
    if isinstance(value, str):
        return value + "\ud800"
    if isinstance(value, Mapping):
        return {key: _spoil(child) for key, child in value.items()}
    return [_spoil(child) for child in value] if isinstance(value, list) else value


def blank(chat: ChatRequest) -> str | Mapping[str, Any]:
    """The responder to begin with: the emptiest form that fits the schema, or ``ok``."""
    if chat.schema is None:
        return "ok"
    form: Mapping[str, Any] = _emptiest(chat.schema, chat.schema)
    return form


def _emptiest(node: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    if "$ref" in node:
        return _emptiest(root["$defs"][node["$ref"].rpartition("/")[2]], root)
    if "anyOf" in node:
        return _emptiest(node["anyOf"][-1], root)  # pydantic writes null last
    if "enum" in node:
        return node["enum"][0]
    if node.get("type") == "object":
        return {name: _emptiest(child, root) for name, child in node.get("properties", {}).items()}
    plain = {"string": "", "array": [], "boolean": False, "null": None}
    return node.get("const", plain.get(node.get("type", ""), node.get("minimum", 0)))


def embeddings(request: Embeddings, dimensions: int) -> dict[str, Any]:
    """The body of an answer: one vector of hashed words for each text."""
    data = []
    for index, text in enumerate(request.texts):
        vector = hashed_words(text, request.dimensions or dimensions)
        packed = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
        embedding = packed if request.encoding_format == "base64" else vector
        data.append({"object": "embedding", "index": index, "embedding": embedding})
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return {"object": "list", "model": request.model, "data": data, "usage": usage}


def hashed_words(text: str, dimensions: int) -> list[float]:
    """A unit vector that depends on the text's words alone: each adds one, up or down, at a place its hash decides."""
    vector = [0.0] * dimensions
    vector[0] = 0.1  # no text is without direction
    for word in text.lower().split():
        number = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "big")
        vector[number // 2 % dimensions] += 1.0 if number % 2 else -1.0
    length = math.hypot(*vector)
    return [value / length for value in vector]
