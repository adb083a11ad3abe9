"""The OpenAPI document, with the WebSocket messages among its schemas.

OpenAPI does not describe WebSockets; the messages are added as components, so that the page's
types are generated from one document.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from ppolab.server.schema import AttemptMessage, ClientMessage, Problem, ServerMessage

REF = "#/components/schemas/{model}"


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """Describe every route and message; the same for the same code, wherever it runs."""
    document = get_openapi(
        title=app.title, version=app.version, summary=app.summary, routes=app.routes
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name, union, mode in (
        ("ServerMessage", ServerMessage, "serialization"),
        ("ClientMessage", ClientMessage, "validation"),
        ("AttemptMessage", AttemptMessage, "serialization"),
    ):
        add_schema(schemas, name, union, mode)
    problems_have_their_own_media_type(document)
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return document


def add_schema(schemas: dict[str, Any], name: str, union: Any, mode: Any) -> None:
    """Add a type and all it refers to."""
    schema = TypeAdapter(union).json_schema(ref_template=REF, mode=mode)
    for part, definition in schema.pop("$defs", {}).items():
        schemas.setdefault(part, definition)
    schemas[name] = {**schema, "title": name}


def problems_have_their_own_media_type(document: dict[str, Any]) -> None:
    """Say that errors come as application/problem+json, which FastAPI cannot be told."""
    _, definitions = models_json_schema([(Problem, "serialization")], ref_template=REF)
    document["components"]["schemas"].update(definitions["$defs"])
    for path in document["paths"].values():
        for operation in path.values():
            answer = operation["responses"].get("default")
            if answer:
                answer["content"] = {
                    "application/problem+json": {"schema": {"$ref": REF.format(model="Problem")}}
                }
