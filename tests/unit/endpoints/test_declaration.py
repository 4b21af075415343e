from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Mode,
    Operation,
    Redirection,
)
from ccfpy.http.messages import Response


def test_an_endpoint_writes_on_the_primary_unless_it_says_otherwise() -> None:
    endpoint = Endpoint(method="POST", path="/", handler=lambda _: Response(status=200))
    assert endpoint.mode is Mode.READ_WRITE
    assert endpoint.forwarding is Forwarding.ALWAYS
    assert endpoint.redirection is Redirection.TO_PRIMARY
    assert endpoint.auth == ()
    assert endpoint.operation == Operation()
    assert endpoint.on_local_commit is None


def test_words_are_those_of_bundles() -> None:
    assert [*Mode] == ["readwrite", "readonly", "historical", "command"]
    assert [*Forwarding] == ["sometimes", "always", "never"]
    assert [*Redirection] == ["none", "to_primary", "to_backup"]
