"""One HTTPS request to one address, and what kept it from being answered.

The client trusts the *service*: a node's certificate must lead to the service's
certificate, be in date, and name the requested host. No public authority is trusted.
The client's own certificate, if it has one, identifies the caller.
"""

import http
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp
from aiohttp.connector import Connection

from ccfpy.client.addresses import origin_of
from ccfpy.client.errors import ClientError, Unreachable
from ccfpy.client.keys import Identity
from ccfpy.client.requests import Reply

CONNECT_TIMEOUT_S = 3.0
"""To connect and to agree on TLS; a machine that is gone answers nothing at all."""

_EXACT_TIMEOUTS_S = 1e6
"""aiohttp rounds longer timeouts up to whole seconds."""
_UNKNOWN_ISSUER = (18, 19, 20, 21)
"""What OpenSSL calls a certificate that none of those given issued."""


class NotSent(Exception):
    """There was no connection: the node has received nothing of the request."""


class NoAnswer(Exception):
    """The request was sent, at least in part, and its answer did not come."""


def trust_only(service_certificate: str) -> ssl.SSLContext:
    """Return a TLS context whose one root is a service's certificate, given as PEM.

    Raises:
        Unreachable: it is no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=service_certificate)
    except (ssl.SSLError, ValueError) as error:
        raise Unreachable(f"not a service's certificate: {error}") from error
    return context


def show(context: ssl.SSLContext, identity: Identity) -> None:
    """Present a participant's certificate in each handshake.

    Raises:
        ClientError: its files cannot be used.
    """
    try:
        context.load_cert_chain(identity.certificate, identity.private_key)
    except OSError as error:  # ssl.SSLError is one
        reason = (error.strerror or str(error)).lower()
        raise ClientError(
            f"cannot use the identity {identity.name}, {identity.certificate}: {reason}"
        ) from error


@dataclass(slots=True)
class _Progress:
    """How far a request has come."""

    is_connected: bool = False


class _Answer(aiohttp.ClientResponse):
    """An answer, whose connection is not used again after a 504 or a failure.

    A backup answers 504 when the primary has not answered a forwarded request in time.
    A backup of C++ CCF sends the primary's answer nevertheless, once it comes. On a
    connection that is used again, that would be taken for the answer to the next
    request: a write would bear the id of the write before.

    After a failure aiohttp waits for the server to answer the end of TLS, and a session
    that is closed meanwhile leaves the socket open. A server that hangs never does, so
    the socket is closed at once.
    """

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        protocol = connection.protocol
        await super().start(connection)
        if self.status == http.HTTPStatus.GATEWAY_TIMEOUT and protocol is not None:
            protocol.force_close()
            if connection.protocol is None:
                # The body came with the head, so the connection is kept already.
                protocol.abort()
        return self

    def close(self) -> None:
        """Abandon an answer that is not complete, and close its connection at once."""
        connection = self.connection
        if connection is not None and connection.protocol is not None:
            connection.protocol.abort()
        super().close()


class Transport:
    """Connections that are kept open between requests."""

    def __init__(self, context: ssl.SSLContext) -> None:
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_create_end.append(_connected)
        tracing.on_connection_reuseconn.append(_connected)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context),
            auto_decompress=False,
            middlewares=(_send_once,),
            response_class=_Answer,
            trace_configs=[tracing],
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> Reply:
        """Send one request once and return its answer, redirects included.

        Raises:
            NotSent: there was no connection.
            NoAnswer: the request was sent and not answered.
            Unreachable: the server does not prove that it belongs to the service.
        """
        progress = _Progress()
        timeout = aiohttp.ClientTimeout(
            total=timeout_s,
            sock_connect=min(timeout_s, CONNECT_TIMEOUT_S),
            ceil_threshold=_EXACT_TIMEOUTS_S,
        )
        try:
            async with self._session.request(
                method,
                url,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=timeout,
                trace_request_ctx=progress,
            ) as response:
                return Reply(
                    status=response.status,
                    headers={k.lower(): v for k, v in response.headers.items()},
                    body=await response.read(),
                )
        except aiohttp.ClientConnectorCertificateError as error:
            reason = error.certificate_error
            raise Unreachable(
                f"{origin_of(url)} is not trusted: {reason}{_hint(reason)}"
            ) from error
        except (aiohttp.InvalidURL, UnicodeError) as error:
            raise NotSent(f"it is no address: {error}") from error
        except (aiohttp.ClientError, OSError) as error:
            trouble = _trouble(error)
            if progress.is_connected:
                raise NoAnswer(trouble) from error
            raise NotSent(trouble) from error


async def _connected(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _event: object
) -> None:
    context.trace_request_ctx.is_connected = True


async def _send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a PUT or DELETE again by itself.

    It does so when a kept connection ends, and cannot know whether the request was
    applied before.
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise NoAnswer(str(error)) from error


def _trouble(error: Exception) -> str:
    """Say why there is no answer, in a person's words where the library has its own."""
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = error.os_error
        if isinstance(reason, ssl.SSLError):
            return f"it does not speak TLS as this client does ({reason.reason})"
        if reason.errno and reason.errno > 0:  # others are the resolver's
            return os.strerror(reason.errno).lower()
    return str(error)


RECOVERED = (
    "the certificate given is another service's, or this one's of before it was "
    "recovered: a recovered service has a new identity. Ask its members for the new "
    "certificate, compare its SHA-256 with theirs over the telephone, and give it with "
    "--cacert"
)
"""What it means that a node's certificate was issued by somebody else."""


def _hint(reason: Exception) -> str:
    """Explain what an unknown issuer means for a service's clients."""
    if getattr(reason, "verify_code", None) not in _UNKNOWN_ISSUER:
        return ""
    return f"; {RECOVERED}"
