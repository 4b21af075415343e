"""The interpreter's own OpenSSL, for the settings that ``ssl`` has no method for.

Every call here is one of OpenSSL's documented interface (``openssl/ssl.h``). What is
not documented is where CPython keeps the ``SSL_CTX *`` that they take: it is the first
field of its context object. That has been so in each version named below, and is
believed of no other; what is read there is checked before anything is written.

No other file reaches into the interpreter, and this one does nothing but settings: no
byte of a session passes through it.
"""

import ctypes
import platform
from collections.abc import Sequence
from typing import Any, Final

from ccfpy.base.errors import CcfpyError
from ccfpy.base.limits import CLIENT_CHAIN_CERTIFICATES_MAX
from ccfpy.http.tls_engine import KeyKind, is_dear_key

KNOWN_VERSIONS: Final = (("3", "11"), ("3", "12"), ("3", "13"), ("3", "14"))
HEADER_BYTES: Final = 16
"""Of an object: its reference count and its type. Builds for debugging and without the
lock of the interpreter have others."""

_VERIFY_PEER = 1
_REFUSE, _ACCEPT = 0, 1
_SOUND, _REJECTED = 0, 28
"""Of a chain: the latter ends the handshake with the alert ``bad_certificate``."""
_KINDS: Final = {
    6: KeyKind.RSA,
    912: KeyKind.RSA,  # that signs by PSS alone
    116: KeyKind.DSA,
}
"""By OpenSSL's numbers (``openssl/obj_mac.h``)."""
_NO_COMPRESSED_CHAIN = 1 << 33
"""Of certificates that a peer sends (RFC 8879); before OpenSSL 3.2 there are none."""
_CTRL_MODE, _CTRL_CACHE, _CTRL_GROUPS = 33, 44, 92
_CTRL_ADD1_CHAIN, _ADD1 = 89, 1
_CACHE_OFF = 0
_MODE_RELEASE_BUFFERS = 0x10
_NO_PASSWORD = b""

_Judge = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_POINTER, _INT, _LONG = ctypes.c_void_p, ctypes.c_int, ctypes.c_long
_BYTES = ctypes.c_char_p


class Unsuitable(CcfpyError):
    """This interpreter, or its OpenSSL, is not what is known; the text says how."""


def check_interpreter(
    implementation: str, version: tuple[str, str], header_bytes: int
) -> None:
    """Refuse an interpreter whose layout in memory is not known.

    Raises:
        Unsuitable: it is such a one.
    """
    if implementation != "CPython" or version not in KNOWN_VERSIONS:
        raise Unsuitable(f"{implementation} {'.'.join(version)} is not known")
    if header_bytes != HEADER_BYTES:
        raise Unsuitable("objects of this interpreter have another header")


class InterpretersOpenSsl:
    """The library that the interpreter's ``_ssl`` was linked to.

    Args:
        path: the file of that module, through which its own library is found and not
            another that may be loaded as well.

    Raises:
        Unsuitable: something is not as it is known.
    """

    def __init__(self, path: str) -> None:
        major, minor, _ = platform.python_version_tuple()
        check_interpreter(
            platform.python_implementation(), (major, minor), object.__basicsize__
        )
        try:
            self._library: Any = ctypes.CDLL(path)
            self._declare()
        except (OSError, AttributeError) as error:
            raise Unsuitable(f"a call of OpenSSL cannot be reached: {error}") from error
        # Made once and kept: OpenSSL holds its address.
        self._judge = _Judge(self._judge_chain)

    def _declare(self) -> None:
        for name, result, arguments in (
            ("OpenSSL_version", _BYTES, (_INT,)),
            ("ERR_clear_error", None, ()),
            ("SSL_CTX_get_options", ctypes.c_uint64, (_POINTER,)),
            ("SSL_CTX_get_verify_mode", _INT, (_POINTER,)),
            ("SSL_CTX_set_options", ctypes.c_uint64, (_POINTER, ctypes.c_uint64)),
            ("SSL_CTX_set_cert_verify_callback", None, (_POINTER, _Judge, _POINTER)),
            ("X509_STORE_CTX_get0_cert", _POINTER, (_POINTER,)),
            ("X509_STORE_CTX_get0_untrusted", _POINTER, (_POINTER,)),
            ("X509_STORE_CTX_set_error", None, (_POINTER, _INT)),
            ("OPENSSL_sk_num", _INT, (_POINTER,)),
            ("X509_get0_pubkey", _POINTER, (_POINTER,)),
            ("EVP_PKEY_get_base_id", _INT, (_POINTER,)),
            ("EVP_PKEY_get_bits", _INT, (_POINTER,)),
            ("EVP_PKEY_get_bn_param", _INT, (_POINTER, _BYTES, _POINTER)),
            ("BN_num_bits", _INT, (_POINTER,)),
            ("BN_free", None, (_POINTER,)),
            ("SSL_CTX_set_ciphersuites", _INT, (_POINTER, _BYTES)),
            ("SSL_CTX_set_session_id_context", _INT, (_POINTER, _BYTES, _INT)),
            ("SSL_CTX_ctrl", _LONG, (_POINTER, _INT, _LONG, _POINTER)),
            ("SSL_CTX_use_certificate", _INT, (_POINTER, _POINTER)),
            ("SSL_CTX_use_PrivateKey", _INT, (_POINTER, _POINTER)),
            ("SSL_CTX_check_private_key", _INT, (_POINTER,)),
            ("d2i_X509", _POINTER, (_POINTER, _POINTER, _LONG)),
            ("X509_free", None, (_POINTER,)),
            ("BIO_new_mem_buf", _POINTER, (_BYTES, _INT)),
            ("BIO_free", _INT, (_POINTER,)),
            (
                "PEM_read_bio_PrivateKey",
                _POINTER,
                (_POINTER, _POINTER, _POINTER, _BYTES),
            ),
            ("EVP_PKEY_free", None, (_POINTER,)),
        ):
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments

    @property
    def version(self) -> str:
        """What the library calls itself."""
        version: bytes = self._library.OpenSSL_version(0)
        return version.decode()

    def context_of(self, context: object, *, options: int) -> "NativeContext":
        """Find OpenSSL's context within CPython's.

        Args:
            context: an ``ssl.SSLContext`` that asks for a certificate.
            options: what CPython says that its options are.

        Raises:
            Unsuitable: what is found does not answer as that context would.
        """
        if type(context).__basicsize__ < HEADER_BYTES + ctypes.sizeof(_POINTER):
            raise Unsuitable("contexts of this interpreter hold nothing")
        handle = _POINTER.from_address(id(context) + HEADER_BYTES).value
        library = self._library
        if (
            handle is None
            or library.SSL_CTX_get_options(handle) != options
            or library.SSL_CTX_get_verify_mode(handle) != _VERIFY_PEER
        ):
            raise Unsuitable("contexts of this interpreter are laid out in another way")
        return NativeContext(library, handle, self._judge)

    def _judge_chain(self, chain: int, _: int | None) -> int:
        """Judge a peer's certificates in OpenSSL's place, and check no signature."""
        library = self._library
        length = library.OPENSSL_sk_num(library.X509_STORE_CTX_get0_untrusted(chain))
        key = library.X509_get0_pubkey(library.X509_STORE_CTX_get0_cert(chain))
        if length > CLIENT_CHAIN_CERTIFICATES_MAX or self._is_dear(key):
            library.X509_STORE_CTX_set_error(chain, _REJECTED)
            return _REFUSE
        library.X509_STORE_CTX_set_error(chain, _SOUND)
        return _ACCEPT

    def _is_dear(self, key: int | None) -> bool:
        if key is None:  # of a kind that OpenSSL cannot read, and will refuse
            return False
        library = self._library
        kind = _KINDS.get(library.EVP_PKEY_get_base_id(key), KeyKind.OTHER)
        exponent_bits = 0
        if kind is KeyKind.RSA:
            exponent = _POINTER()
            found = library.EVP_PKEY_get_bn_param(key, b"e", ctypes.byref(exponent))
            if found != 1:
                return True
            exponent_bits = library.BN_num_bits(exponent)
            library.BN_free(exponent)
        bits = library.EVP_PKEY_get_bits(key)
        return is_dear_key(kind, bits=bits, exponent_bits=exponent_bits)


class NativeContext:
    """An ``SSL_CTX``, as long as the context lives that it was found in.

    Keep it as long as that context is used: OpenSSL calls its judge.
    """

    __slots__ = ("_handle", "_judge", "_library")

    def __init__(
        self,
        library: Any,  # noqa: ANN401 - a CDLL is
        handle: int,
        judge: Any,  # noqa: ANN401 - a C function is
    ) -> None:
        self._library = library
        self._handle = handle
        self._judge = judge

    def take_any_certificate(self) -> None:
        """Accept any certificate of a peer unless it is dear to check.

        No certificate's signature is checked: nobody vouches for a client's. That the
        peer holds its key is checked elsewhere in the handshake, always.
        """
        library, handle = self._library, self._handle
        library.SSL_CTX_set_cert_verify_callback(handle, self._judge, None)
        # A chain that unpacks to more than was sent would not be bounded by its bytes.
        library.SSL_CTX_set_options(handle, _NO_COMPRESSED_CHAIN)

    def set_terms(self, *, suites: str, groups: str, session_id: bytes) -> None:
        """Set the suites of TLS 1.3, the groups, and that no session is kept.

        Raises:
            Unsuitable: the library refuses them.
        """
        library, handle = self._library, self._handle
        named = ctypes.create_string_buffer(groups.encode())
        library.SSL_CTX_ctrl(handle, _CTRL_CACHE, _CACHE_OFF, None)
        library.SSL_CTX_ctrl(handle, _CTRL_MODE, _MODE_RELEASE_BUFFERS, None)
        if (
            library.SSL_CTX_set_ciphersuites(handle, suites.encode()) != 1
            or library.SSL_CTX_ctrl(handle, _CTRL_GROUPS, 0, named) != 1
            or library.SSL_CTX_set_session_id_context(
                handle, session_id, len(session_id)
            )
            != 1
        ):
            library.ERR_clear_error()
            raise Unsuitable("this OpenSSL lacks suites or groups of TLS's profile")

    def present(self, chain: Sequence[bytes], key_pem: bytes) -> bool:
        """Present certificates in DER, the own one first, and prove them with a key.

        Gives whether that was possible.
        """
        try:
            return self._show(chain) and self._prove(key_pem)
        finally:
            # What is left in this queue would count as an error of the next session.
            self._library.ERR_clear_error()

    def _show(self, chain: Sequence[bytes]) -> bool:
        library, handle = self._library, self._handle
        for place, der in enumerate(chain):
            source = ctypes.byref(_BYTES(der))  # a pointer that the call moves on
            certificate = library.d2i_X509(None, source, len(der))
            try:
                if not certificate:
                    return False
                if place == 0:
                    taken = library.SSL_CTX_use_certificate(handle, certificate)
                else:
                    taken = library.SSL_CTX_ctrl(
                        handle, _CTRL_ADD1_CHAIN, _ADD1, certificate
                    )
                if taken != 1:
                    return False
            finally:
                library.X509_free(certificate)
        return True

    def _prove(self, key_pem: bytes) -> bool:
        library, handle = self._library, self._handle
        text = library.BIO_new_mem_buf(key_pem, len(key_pem))
        # Without a password, it would be asked for where the process was started.
        key = library.PEM_read_bio_PrivateKey(text, None, None, _NO_PASSWORD)
        library.BIO_free(text)
        try:
            return bool(
                key
                and library.SSL_CTX_use_PrivateKey(handle, key) == 1
                and library.SSL_CTX_check_private_key(handle) == 1
            )
        finally:
            library.EVP_PKEY_free(key)
