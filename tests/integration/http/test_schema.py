"""Whatever fits the OpenAPI document, and whatever does not, gets a documented answer and never a 500."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.integration.http.conftest import Service

pytestmark = pytest.mark.early

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("key", "examples"), [("kim-key", 5), ("nonsense", 1)])  # nearly all of the latter is 401
async def test_generated_requests_find_no_500_and_only_documented_answers(
    service: Service, key: str, examples: int, tmp_path: Path
) -> None:
    explorer = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{service.url}/openapi.json"),
        *("--checks", CHECKS, "--max-examples", str(examples), "--mode", "all", "--phases", "examples,fuzzing"),
        *("--header", f"Authorization: Bearer {key}", "--generation-deterministic", "--no-color"),
        # The event stream does not end, and the pages are not JSON.
        *("--include-path-regex", "^/(v1|health)/", "--exclude-path", "/v1/web/events"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await explorer.communicate()
    assert explorer.returncode == 0, output.decode()
