import inspect

import pytest

from ccfpy.client.blocking import BlockingConnection
from ccfpy.client.connection import Connection
from ccfpy.client.sending import Options, Sending, Writing

METHODS = [
    name
    for name, value in vars(Connection).items()
    if inspect.iscoroutinefunction(value) and not name.startswith("_")
]


@pytest.mark.parametrize("name", METHODS)
def test_both_forms_of_the_client_take_the_same(name: str) -> None:
    awaited, blocking = (
        inspect.signature(getattr(form, name))
        for form in (Connection, BlockingConnection)
    )
    assert awaited == blocking


@pytest.mark.parametrize("options", [Options, Sending, Writing])
def test_each_option_is_described(options: type) -> None:
    described = "".join(
        inspect.getdoc(kind) or "" for kind in (Options, Sending, Writing)
    )
    for name in options.__annotations__:
        assert f"    {name}: " in described
