"""What must hold before anything is written into the interpreter's OpenSSL."""

import _ctypes
import _ssl
import ssl

import pytest

from ccfpy.http.stdlib_openssl import (
    HEADER_BYTES,
    KNOWN_VERSIONS,
    InterpretersOpenSsl,
    Unsuitable,
    check_interpreter,
)

KNOWN = KNOWN_VERSIONS[0]
PATH: str = getattr(_ssl, "__file__", "")


@pytest.fixture
def library() -> InterpretersOpenSsl:
    try:
        return InterpretersOpenSsl(PATH)
    except Unsuitable as obstacle:
        pytest.skip(str(obstacle))


@pytest.mark.parametrize(
    ("implementation", "version", "header_bytes"),
    [
        ("PyPy", KNOWN, HEADER_BYTES),
        ("CPython", ("3", "10"), HEADER_BYTES),
        ("CPython", ("3", "15"), HEADER_BYTES),
        ("CPython", KNOWN, 32),
    ],
    ids=["another", "an older one", "one to come", "without the lock"],
)
def test_an_interpreter_that_is_not_known_is_left_alone(
    implementation: str, version: tuple[str, str], header_bytes: int
) -> None:
    with pytest.raises(Unsuitable):
        check_interpreter(implementation, version, header_bytes)


@pytest.mark.parametrize("version", KNOWN_VERSIONS)
def test_a_known_one_is_not(version: tuple[str, str]) -> None:
    check_interpreter("CPython", version, HEADER_BYTES)


def test_a_library_without_openssl_is_refused() -> None:
    with pytest.raises(Unsuitable, match="cannot be reached"):
        InterpretersOpenSsl("/nonexistent/_ssl.so")
    with pytest.raises(Unsuitable, match="cannot be reached"):
        InterpretersOpenSsl(_ctypes.__file__)


def test_it_is_the_library_that_the_interpreter_uses(
    library: InterpretersOpenSsl,
) -> None:
    assert library.version == ssl.OPENSSL_VERSION


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def test_a_context_answers_as_the_interpreter_says(
    library: InterpretersOpenSsl,
) -> None:
    context = _context()
    for options in (ssl.OP_NO_TICKET, ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION):
        context.options = options
        library.context_of(context, options=context.options)


def test_a_context_of_other_options_is_not_believed(
    library: InterpretersOpenSsl,
) -> None:
    context = _context()
    with pytest.raises(Unsuitable, match="laid out"):
        library.context_of(context, options=context.options ^ ssl.OP_NO_TICKET)


def test_a_context_that_asks_for_no_certificate_is_not_believed(
    library: InterpretersOpenSsl,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with pytest.raises(Unsuitable, match="laid out"):
        library.context_of(context, options=context.options)


def test_what_has_no_room_for_a_context_is_not_looked_into(
    library: InterpretersOpenSsl,
) -> None:
    with pytest.raises(Unsuitable, match="hold nothing"):
        library.context_of(object(), options=0)


@pytest.mark.parametrize(
    ("suites", "groups"), [("NONSENSE", "P-256"), ("TLS_AES_128_GCM_SHA256", "P-0")]
)
def test_terms_that_the_library_lacks_are_refused(
    library: InterpretersOpenSsl, suites: str, groups: str
) -> None:
    context = _context()
    native = library.context_of(context, options=context.options)
    with pytest.raises(Unsuitable, match="lacks"):
        native.set_terms(suites=suites, groups=groups, session_id=b"x")
