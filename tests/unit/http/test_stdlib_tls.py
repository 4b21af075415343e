"""The engine on the interpreter's OpenSSL: that it can run, and what is its own."""

import _ssl
import platform
import ssl
from pathlib import Path

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.http import stdlib_tls
from ccfpy.http.stdlib_openssl import KNOWN_VERSIONS
from ccfpy.http.stdlib_tls import StdlibConnection
from ccfpy.http.tls import ServerContext, TlsFailure, TlsSession
from ccfpy.http.tls_engine import TlsEngine
from tests.unit.http.tls_ends import NODE, SERVICE, USER, Client

needed = pytest.mark.skipif(
    stdlib_tls.OBSTACLE is not None, reason=str(stdlib_tls.OBSTACLE)
)


def test_it_runs_on_an_ordinary_interpreter() -> None:
    is_ordinary = (
        platform.python_implementation() == "CPython"
        and platform.python_version_tuple()[:2] in KNOWN_VERSIONS
        and object.__basicsize__ == 16
        and hasattr(_ssl, "__file__")
        and ssl.OPENSSL_VERSION.startswith("OpenSSL 3.")
    )
    if is_ordinary:
        assert stdlib_tls.OBSTACLE is None


def _server() -> ServerContext:
    return ServerContext(NODE.pem, NODE.key_pem, engine=TlsEngine.SSL)


@needed
def test_no_secret_of_a_session_is_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # which does not look for it
    context.load_verify_locations(cadata=SERVICE.pem)
    Client(context=context).shake_hands(TlsSession(_server()))
    assert not log.exists()


@needed
def test_a_refused_identity_leaves_no_error_behind() -> None:
    session, client = TlsSession(_server()), Client()
    client.shake_hands(session)
    record = client.send(b"request")
    for certificate, key in ((NODE.pem, USER.key_pem), (NODE.pem, "nonsense")):
        with pytest.raises(Malformed):
            ServerContext(certificate, key, engine=TlsEngine.SSL)
    # An error that is left is taken for the next session's, which only waits.
    assert session.feed(record[:7]) == b""
    assert session.feed(record[7:]) == b"request"


@needed
def test_no_ticket_is_sent_that_nobody_may_use() -> None:
    session, client = TlsSession(_server()), Client()
    client.shake_hands(session)
    client.receive(session)
    assert client.tls.version() == "TLSv1.3"
    assert client.tls.session is not None
    assert not client.tls.session.has_ticket


@needed
def test_the_short_way_into_ssl_agrees_with_its_own() -> None:
    """That of an interpreter whose `ssl` keeps what it wraps somewhere else."""
    told = []
    for is_short in (True, False):
        session, client = TlsSession(_server()), Client()
        client.shake_hands(session)
        connection = session._connection
        assert isinstance(connection, StdlibConnection)
        wrapped = connection._tls
        if not is_short:
            session._read_record, session._write_record = wrapped.read, wrapped.write
        assert (session._read_record != wrapped.read) is is_short
        session.write(b"answer")
        received = [session.feed(client.send(b"request")), client.receive(session)]
        received.append(session.feed(client.send(b"x" * 20_000)))
        with pytest.raises(TlsFailure) as failure:
            session.feed(b"no record of any kind")
        told.append((received, str(failure.value)))
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ssl.SSLError(1, "[SSL: BAD_THING] bad thing (_ssl.c:1006)"), ["bad thing"]),
        (ssl.SSLError(1, "unknown error (_ssl.c:1)"), ["unknown error"]),
        (ssl.SSLError(8, "EOF occurred (_ssl.c:2)"), ["EOF occurred"]),
        (ssl.SSLError("no number"), ["no number"]),
        (ssl.SSLError(), []),
    ],
)
def test_of_an_error_openssls_own_words_are_kept(
    error: ssl.SSLError, words: list[str]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert StdlibConnection(context).reasons(error) == words
