"""How a connection writes answers, and what it takes for a client's certificate."""

import pytest

from ccfpy.base import limits
from ccfpy.crypto.certs import Certificate
from ccfpy.http.messages import Request, Response
from ccfpy.node.sessions.connection import readable_certificate
from ccfpy.node.sessions.http1 import serialise_reply
from ccfpy.testing.node import Person


def _request(method: str) -> Request:
    return Request(method=method, path="/", query="", headers={}, body=b"")


def test_an_answer_to_head_has_the_body_left_out_and_its_length_kept() -> None:
    response = Response(status=200, headers={}, body=b"four")
    whole = serialise_reply(response, _request("GET"))
    assert serialise_reply(response, _request("HEAD")) == whole.removesuffix(b"four")
    assert b"content-length: 4\r\n" in whole


@pytest.mark.parametrize("value", ["a\r\nset-cookie: b", "a\nb", "☃"])
def test_an_answer_that_cannot_be_written_becomes_an_error(value: str) -> None:
    response = Response(status=200, headers={"x": value}, body=b"private")
    written = serialise_reply(response, _request("GET"))
    assert written.startswith(b"HTTP/1.1 500 ")
    assert b"set-cookie" not in written.partition(b"\r\n\r\n")[0]
    assert b"private" not in written


def test_a_certificate_that_cannot_be_read_is_as_good_as_none() -> None:
    der = Person.make("ann").certificate.der
    assert readable_certificate(der) == Certificate.from_der(der)
    assert readable_certificate(der[:-1]) is None
    assert readable_certificate(b"no certificate") is None


@pytest.mark.parametrize("excess", [0, 1])
def test_a_certificate_of_usual_size_is_read_once(
    excess: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    der = Person.make("ann").certificate.der
    most = len(der) - excess
    monkeypatch.setattr(limits, "CERTIFICATE_CACHED_BYTES_MAX", most)
    first = readable_certificate(der)
    assert first == Certificate.from_der(der)
    assert (readable_certificate(der) is first) is not bool(excess)
