"""What is made from the code is as the code is now."""

from __future__ import annotations

import json

from tests.architecture.generated import (
    ANALYTICS,
    CHANNELS,
    GRAPH,
    OPENAPI,
    SCHEMA,
    analytics_document,
    channels_document,
    graph_document,
    openapi_document,
    schema_document,
)


def test_the_drawing_in_the_docs_is_the_compiled_graph() -> None:
    assert GRAPH.read_text(encoding="utf-8") == graph_document(), "run `make docs`"


def test_the_rules_of_the_channels_in_the_docs_are_those_that_are_applied() -> None:
    assert CHANNELS.read_text(encoding="utf-8") == channels_document(), "run `make docs`"


def test_the_definitions_in_the_docs_are_those_of_the_figures() -> None:
    assert ANALYTICS.read_text(encoding="utf-8") == analytics_document(), "run `make docs`"


def test_the_openapi_document_is_the_applications() -> None:
    assert OPENAPI.read_text(encoding="utf-8") == openapi_document(), "run `make docs`"


def test_the_schema_for_reading_is_what_the_migrations_make(database_url: str) -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema_document(database_url), "run `make docs`"


def test_every_operation_that_reads_a_body_says_that_it_may_be_no_json() -> None:
    operations = {
        f"{method} {path}": operation
        for path, methods in json.loads(openapi_document())["paths"].items()
        for method, operation in methods.items()
    }
    reading = {name: operation["responses"] for name, operation in operations.items() if "requestBody" in operation}
    assert [name for name, responses in reading.items() if "400" not in responses] == []


def test_every_operation_in_the_openapi_document_is_versioned_or_operational() -> None:
    paths = json.loads(OPENAPI.read_text(encoding="utf-8"))["paths"]
    assert paths
    assert [path for path in paths if not path.startswith(("/v1/", "/health/", "/metrics", "/status"))] == []
