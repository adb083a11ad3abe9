import json


def test_the_document_in_the_tree_is_that_of_the_code(pytestconfig, settings):
    from ppolab.server.app import create_app

    written = pytestconfig.rootpath / "web/src/api/openapi.json"
    assert json.loads(written.read_text()) == create_app(settings).openapi(), (
        "run: python scripts/write_openapi.py, then generate the page's types"
    )


def test_socket_messages_and_problems_are_in_the_document(settings):
    from ppolab.server.app import create_app

    document = create_app(settings).openapi()
    schemas = document["components"]["schemas"]
    assert set(schemas["ServerMessage"]["discriminator"]["mapping"]) == {
        "hello",
        "frame",
        "event",
        "resync",
        "done",
        "pong",
        "error",
    }
    assert set(schemas["ClientMessage"]["discriminator"]["mapping"]) == {
        "subscribe",
        "control",
        "ping",
    }
    for operations in document["paths"].values():
        for operation in operations.values():
            content = operation["responses"]["default"]["content"]
            assert list(content) == ["application/problem+json"]


def test_operations_are_named_once_each(settings):
    from ppolab.server.app import create_app

    names = [
        operation["operationId"]
        for operations in create_app(settings).openapi()["paths"].values()
        for operation in operations.values()
    ]
    assert len(names) == len(set(names))
    assert "get_lesson" in names
