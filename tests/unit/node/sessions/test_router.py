"""The frontend that serves each path."""

import pytest

from ccfpy.testing.node import InProcessNode


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/app/notes?name=x", 200, b"null"),
        ("/notes?name=x", 200, b"null"),
        ("/node/state", 200, b"PartOfNetwork"),
        ("/gov/commit", 200, b"transaction_id"),
        ("/", 404, b"Unknown path: /."),
        ("/app", 404, b"Unknown path: /app."),
        ("/app/", 404, b"Unknown path: /."),
        ("/node/nonsense", 404, b"Unknown path: /nonsense."),
        ("/node", 404, b"Unknown path: /node."),
        ("/nodes/state", 404, b"Unknown path: /nodes/state."),
        ("//node/state", 404, b"Unknown path: //node/state."),
    ],
)
def test_a_path_goes_to_the_frontend_it_names_and_else_to_the_app(
    node: InProcessNode, path: str, status: int, text: bytes
) -> None:
    answer = node.request("GET", path)
    assert answer.status == status
    assert text in answer.body


@pytest.mark.parametrize("repeats", [1, 3])
def test_only_paths_of_endpoints_are_kept(node: InProcessNode, repeats: int) -> None:
    routes = node.trusted._parts.router._routes
    for number in range(repeats):
        assert node.request("GET", "/node/state").status == 200
        assert node.request("GET", f"/node/none{number}").status == 404
        assert node.request("GET", f"/none{number}").status == 404
    assert routes["/node/state"].path == "/state"
    assert not [path for path in routes if "none" in path]
