import ast
import inspect

from ccfpy.app import App
from ccfpy.endpoints import application


def test_an_app_of_the_public_face_is_an_application() -> None:
    app: application.Application = App("notes")
    assert app.name == "notes"
    assert app.registry() is not app.registry()
    assert app.create_claims("constitution") is None


def test_a_node_asks_no_more_than_seven_things() -> None:
    tree = ast.parse(inspect.getsource(application))
    (protocol,) = (
        node
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == "Application"
    )
    asked = [n.name for n in protocol.body if isinstance(n, ast.FunctionDef)]
    assert asked[:3] == ["name", "body_bytes_max", "registry"]
    assert asked[3:] == ["indexes", "jobs", "protocols", "create_claims"]
