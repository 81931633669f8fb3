"""Bodies of requests that may bring files: JSON, or a form with files (multipart/form-data), each within limits.

Parts go to temporary files while they arrive; into memory comes one message's files at most, of few requests at once.
A file that is refused never takes its message with it. Who has to sign in has done so before anything is read.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from channels.attachments import Attachment, Limits, SentFile, check
from channels.storable import storable
from skills.errors import BadRequestError

MAX_BODY = 256 * 1024
"""Bytes of a request's body where nothing else is said; the longest message is 20,000 characters."""
MAX_UPLOAD = 48 * 1_048_576
"""Bytes of a request with files: more than is ever taken, so that a file too many is refused and not the message."""
MAX_PARTS = 100
"""Files of a request; more is no message but an attack."""
_MAX_FIELDS = 20
_AT_ONCE = 4
"""Messages with files that a process holds in memory at once."""

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Sent(Generic[Model]):
    """What a request brought."""

    message: Model
    files: tuple[Attachment, ...] = ()
    files_only: bool = False
    """Whether there was no text beside the files; ``message.text`` names them then."""


class Uploads:
    """Reads requests that may bring files.

    Args:
        limits: of one message.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._room = asyncio.Semaphore(_AT_ONCE)

    @asynccontextmanager
    async def read(self, request: Request, model: type[Model]) -> AsyncIterator[Sent[Model]]:
        """A request's fields and files, while the block lasts.

        Raises:
            BadRequestError: it is neither JSON nor a form with files.
            HTTPException: 400 for a broken form or one of too many parts, 413 for JSON that is too large.
            RequestValidationError: the fields are not the model's.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/json":
            yield Sent(await read_json(request, model))
        elif kind == "multipart/form-data":
            async with self.form(request) as (fields, files):
                named = {key: value for key, value in fields.items() if value}
                files_only = bool(files) and not named.get("text", "").strip()
                if files_only:
                    named["text"] = names_of(files)
                yield Sent(validated(model, named), files, files_only)
        else:
            raise BadRequestError("the body is neither JSON nor a form", hint="application/json or multipart/form-data")

    @asynccontextmanager
    async def form(self, request: Request) -> AsyncIterator[tuple[dict[str, str], tuple[Attachment, ...]]]:
        """The fields of a form and its files, judged; whatever the field of a file is called.

        Browsers end lines with CRLF, and a field may hold what no database can: both are put right here.

        Raises:
            HTTPException: 400, the form is broken or has too many parts.
        """
        parsed = await _parsed(request)
        try:
            fields = {key: storable(value) for key, value in parsed.multi_items() if isinstance(value, str)}
            uploaded = _uploaded(parsed)
            if not uploaded:
                yield fields, ()
                return
            async with self._room:
                yield fields, await asyncio.to_thread(self._judged, uploaded)
        finally:
            await parsed.close()

    def _judged(self, uploaded: list[UploadFile]) -> tuple[Attachment, ...]:
        judged = check(self._sent(uploaded), self.limits)
        return tuple(replace(file, size=part.size or 0) for file, part in zip(judged, uploaded, strict=True))

    def _sent(self, uploaded: list[UploadFile]) -> Iterator[SentFile]:
        for part in uploaded:  # one after the other, and of one that is too large only so much as shows that it is
            data = part.file.read(self.limits.file_bytes + 1)
            yield SentFile(name=part.filename or "", type=part.content_type or "", data=data)


class _Parser(MultiPartParser):
    """Starlette's, that knows whether the form came to its end: a file that was cut off must not pass for whole."""

    ended = False

    def on_end(self) -> None:
        """The closing boundary was there."""
        self.ended = True


async def _parsed(request: Request) -> FormData:
    parser = _Parser(
        request.headers, request.stream(), max_files=MAX_PARTS, max_fields=_MAX_FIELDS, max_part_size=MAX_BODY
    )
    try:
        parsed = await parser.parse()
    except MultiPartException as error:
        raise HTTPException(400, "The form can't be read") from error
    except ClientDisconnect:
        raise HTTPException(400, "The request ended too early") from None
    if not parser.ended:
        await parsed.close()
        raise HTTPException(400, "The form ended too early")
    return parsed


def _uploaded(parsed: FormData) -> list[UploadFile]:
    """The files; a browser sends an empty one without a name where none was chosen."""
    files = [value for _, value in parsed.multi_items() if isinstance(value, UploadFile)]
    return [file for file in files if file.filename or file.size]


async def read_json(request: Request, model: type[Model], *, most: int = MAX_BODY) -> Model:
    """A JSON body of ``most`` bytes.

    Raises:
        HTTPException: 400 for what can't be read, 413 for more.
        RequestValidationError: it is not JSON, or not the model's.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise HTTPException(413, "The request is too large")
    except ClientDisconnect:
        raise HTTPException(400, "The request ended too early") from None
    try:
        value = json.loads(body)
    except json.JSONDecodeError as error:
        why = {"type": "json_invalid", "loc": ("body", error.pos), "msg": "JSON decode error"}
        raise RequestValidationError([why]) from None
    except (ValueError, RecursionError):
        raise HTTPException(400, "The body can't be read") from None
    return validated(model, value)


def validated(model: type[Model], value: object) -> Model:
    """The model of these values.

    Raises:
        RequestValidationError: they are not its.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in errors]) from None


def names_of(files: tuple[Attachment, ...]) -> str:
    """What stands for a text where there are only files."""
    return f"[{', '.join(file.name for file in files)}]"


def described(model: type[BaseModel], *, files: bool) -> dict[str, Any]:
    """The body in the OpenAPI document: JSON, and with ``files`` a form with files as well."""
    schema = _whole(model.model_json_schema())
    content = {"application/json": {"schema": schema}}
    if files:
        several = {"type": "array", "items": {"type": "string", "format": "binary"}}
        form = {**schema, "properties": {**schema["properties"], "file": several}, "required": []}
        content["multipart/form-data"] = {"schema": form}
    return {"requestBody": {"required": True, "content": content}}


def _whole(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema without references: each is replaced by what it names."""
    named = schema.get("$defs", {})

    def filled(part: Any) -> Any:
        if isinstance(part, dict):
            if "$ref" in part:
                return filled(named[part["$ref"].rpartition("/")[2]])
            return {key: filled(value) for key, value in part.items() if key != "$defs"}
        return [filled(one) for one in part] if isinstance(part, list) else part

    return dict(filled(dict(schema)))
