"""Declarations of streams."""

import pytest

from ccfpy.app import (
    App,
    Context,
    Misdeclared,
    Mode,
    ProtocolOptions,
    Stream,
    StreamOptions,
    all_of,
)
from ccfpy.endpoints.declaration import Forwarding, Redirection
from ccfpy.endpoints.decorators import (
    first_step_of,
    policies_of,
    protocol_endpoint_of,
    stream_endpoint_of,
)


class Ticks(Stream):
    """Sends ticks.

    As long as somebody listens.
    """

    def on_data(self, ctx: Context, data: bytes) -> None:
        """Take data."""


def test_a_stream_reads_where_it_is_asked_unless_it_says_otherwise() -> None:
    endpoint = stream_endpoint_of(Ticks, "/a.B/C", {}, policies_of(["user_cert"]))
    assert (endpoint.method, endpoint.path) == ("POST", "/a.B/C")
    assert endpoint.is_live
    assert endpoint.mode is Mode.READ_ONLY
    assert endpoint.forwarding is Forwarding.NEVER
    assert endpoint.redirection is Redirection.NONE
    assert [policy.name for policy in endpoint.auth] == ["user_cert"]
    assert endpoint.operation.summary == "Sends ticks."
    assert endpoint.operation.description == "As long as somebody listens."
    assert endpoint.operation.request_content_type == "application/grpc"


def test_a_stream_that_writes_belongs_to_the_primary() -> None:
    options: StreamOptions = {"mode": Mode.READ_WRITE, "auth": [], "method": "GET"}
    endpoint = stream_endpoint_of(Ticks, "/t", options, policies_of(["user_cert"]))
    assert endpoint.method == "GET"
    assert endpoint.operation.request_schema is None
    assert endpoint.redirection is Redirection.TO_PRIMARY
    assert endpoint.auth == ()


@pytest.mark.parametrize(
    ("path", "options", "problem"),
    [
        ("t", {}, 'write "/t"'),
        ("/{t", {}, "lacks a closing brace"),
        ("/t", {"method": "post"}, 'write "POST"'),
        ("/t", {"mode": Mode.HISTORICAL}, "write Mode.READ_ONLY or Mode.READ_WRITE"),
        ("/t", {"execution_ms_max": 0}, "write at least 1"),
        ("/t", {"auth": ["nonsense"]}, "no policy"),
    ],
)
def test_a_mistake_is_told_with_the_place(
    path: str, options: StreamOptions, problem: str
) -> None:
    with pytest.raises(Misdeclared, match=problem) as refusal:
        App("ticks").stream(path, **options)(Ticks)
    assert "test_stream_declaring.py" in str(refusal.value)
    assert "Ticks.on_data" in str(refusal.value)


def test_two_things_on_one_path_are_refused() -> None:
    app = App("ticks")
    assert app.stream("/t/{a}")(Ticks) is Ticks
    with pytest.raises(Misdeclared, match=r"answers POST /t/\{b\}"):
        app.stream("/t/{b}")(Ticks)
    registry = app.registry()
    assert registry.is_live("POST", "/t/x")
    assert not registry.is_live("POST", "/t/x/y")
    assert not registry.is_live("GET", "/t/x")


def test_a_class_without_steps_is_found_by_its_base() -> None:
    class Bare(Stream):
        """Does nothing."""

    assert first_step_of(Bare) == Stream.on_open
    assert stream_endpoint_of(Bare, "/t", {}, ()).is_live


def test_a_protocol_is_executed_as_an_endpoint_that_no_request_finds() -> None:
    app = App("ticks", auth=["user_cert"])
    assert app.protocol("TICKS")(Ticks) is Ticks
    (endpoint,) = app.protocols().values()
    assert (endpoint.method, endpoint.path) == ("PROTOCOL", "/TICKS")
    assert endpoint.mode is Mode.READ_ONLY
    assert endpoint.forwarding is Forwarding.NEVER
    assert [policy.name for policy in endpoint.auth] == ["user_cert"]
    registry = app.registry()
    assert not registry.is_live("PROTOCOL", "/TICKS")
    options: ProtocolOptions = {"auth": [], "mode": Mode.READ_WRITE}
    own = protocol_endpoint_of(Ticks, "TICKS", options, endpoint.auth)
    assert (own.auth, own.mode) == ((), Mode.READ_WRITE)


@pytest.mark.parametrize(
    ("name", "options", "problem"),
    [
        ("", {}, "write a name that is not HTTP's"),
        ("HTTP1", {}, "write a name that is not HTTP's"),
        ("HTTP2", {}, "write a name that is not HTTP's"),
        ("T", {"mode": Mode.COMMAND}, "write Mode.READ_ONLY or Mode.READ_WRITE"),
        ("T", {"execution_ms_max": 0}, "write at least 1"),
        ("T", {"auth": ["nonsense"]}, "no policy"),
        ("T", {"auth": ["user_cert", "jwt"]}, "the policy jwt, which reads a request"),
        ("T", {"auth": ["user_cose_sign1"]}, "write a policy of certificates"),
        ("T", {"auth": [all_of("jwt", "user_cert")]}, r"policy jwt\+user_cert"),
    ],
)
def test_a_mistake_in_a_protocol_is_told_with_the_place(
    name: str, options: ProtocolOptions, problem: str
) -> None:
    with pytest.raises(Misdeclared, match=problem) as refusal:
        App("ticks").protocol(name, **options)(Ticks)
    assert "Ticks.on_data" in str(refusal.value)


def test_two_classes_of_one_protocol_are_refused() -> None:
    app = App("ticks")
    app.protocol("TICKS")(Ticks)
    with pytest.raises(Misdeclared, match="answers PROTOCOL /TICKS"):
        app.protocol("TICKS")(Ticks)
