"""HTTPS to one service, trusting its certificate and nothing else.

The client trusts the *service*: a node's certificate must lead to the service's
certificate, be in date, and name the requested host. No public authority is trusted.
The client's own certificate, if it has one, identifies the caller.

The client follows redirects to the primary, only to HTTPS, and keeps method and body.
Each new server must prove the same service again.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import aiohttp

from ccfpy.base.ids import TxId
from ccfpy.base.json import dumps
from ccfpy.client.errors import ClientError, NotCommitted, Unreachable
from ccfpy.client.keyfiles import KeyFiles, read_text
from ccfpy.client.reply import Reply, text_field

REQUEST_TIMEOUT_S = 10.0
COMMIT_TIMEOUT_S = 10.0
COMMIT_POLL_S = 0.01
"""Between two questions for a transaction's status; a signature takes longer."""
COMMIT_POLL_MAX_S = 0.25
REDIRECTS_MAX = 5

_REDIRECTS = (307, 308)
_JSON_TYPE = "application/json"
_UNKNOWN_ISSUER = (18, 19, 20, 21)
"""What OpenSSL calls a certificate that none of those given issued."""


def trust_only(service_certificate: str) -> ssl.SSLContext:
    """Make a TLS context whose one root is a service's certificate, given as PEM.

    Raises:
        Unreachable: it is no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=service_certificate)
    except (ssl.SSLError, ValueError) as error:
        raise Unreachable(f"not a service's certificate: {error}") from error
    return context


class Connection:
    """A client of one service, as one identity; an asynchronous context manager.

    Args:
        url: where one of its nodes answers, such as ``https://127.0.0.1:8000``.
        service_certificate: the service's certificate as PEM text.
        identity: whose certificate to show, if any.
        timeout_s: for one request, its redirects included.
    """

    def __init__(
        self,
        url: str,
        *,
        service_certificate: str,
        identity: KeyFiles | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> None:
        self.url = _base_url(url)
        self.service_certificate = service_certificate
        context = trust_only(service_certificate)
        if identity is not None:
            _show(context, identity)
        self._context = context
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def of_folder(
        cls, url: str, folder: Path, *, name: str | None = None, service: Path
    ) -> Self:
        """Connect with files as CCF's sandbox lays them out.

        Args:
            url: where a node answers.
            folder: where the keys of ``name`` are.
            name: a participant such as ``user0``, or nobody.
            service: the file with the service's certificate.
        """
        identity = None if name is None else KeyFiles(folder=folder, name=name)
        return cls(url, service_certificate=read_text(service), identity=identity)

    async def __aenter__(self) -> Self:
        """Open nothing yet; connections are made when they are needed."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._context),
            timeout=self._timeout,
            auto_decompress=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request and read the answer, of whatever status.

        Args:
            method: the HTTP method.
            path: with its query, percent-encoded as it must be.
            body: what to send; or
            json: what to send as JSON.
            headers: in addition to those that follow from the rest.

        Raises:
            Unreachable: there is no answer.
        """
        sent = dict(headers or {})
        if json is not None:
            assert body is None, "a request has one body"
            body = dumps(json)
            sent.setdefault("content-type", _JSON_TYPE)
        url = urljoin(self.url, path)
        for _ in range(REDIRECTS_MAX):
            reply = await self._send(method, url, body, sent)
            if reply.status not in _REDIRECTS or "location" not in reply.headers:
                return reply
            url = _followed(url, reply.headers["location"])
        raise Unreachable(f"{method} {path} was redirected {REDIRECTS_MAX} times")

    async def get(self, path: str) -> Reply:
        """Read; raises as ``request``, and ``ServiceError`` for an error."""
        return (await self.request("GET", path)).raise_for_error()

    async def post(self, path: str, json: object) -> Reply:
        """Send JSON; raises as ``get``."""
        return (await self.request("POST", path, json=json)).raise_for_error()

    async def wait_committed(
        self, txid: TxId, *, timeout_s: float = COMMIT_TIMEOUT_S
    ) -> None:
        """Wait until a transaction can no longer be lost.

        Raises:
            NotCommitted: it was lost, or is not committed in time.
        """
        deadline = time.monotonic() + timeout_s
        pause = COMMIT_POLL_S
        while True:
            reply = await self.get(f"/node/tx?transaction_id={txid}")
            status = text_field(reply.object(), "status")
            if status == "Committed":
                return
            if status == "Invalid":
                raise NotCommitted(txid, "was lost: send it again", is_final=True)
            if time.monotonic() + pause > deadline:
                raise NotCommitted(
                    txid,
                    f"is {status} after {timeout_s:g} s: a majority of nodes may be "
                    "missing",
                    is_final=False,
                )
            await asyncio.sleep(pause)
            pause = min(2 * pause, COMMIT_POLL_MAX_S)

    async def _send(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Reply:
        assert self._session is not None, "a connection is used in an async with"
        origin = _origin(url)
        try:
            async with self._session.request(
                method, url, data=body, headers=headers, allow_redirects=False
            ) as response:
                return Reply(
                    status=response.status,
                    headers={k.lower(): v for k, v in response.headers.items()},
                    body=await response.read(),
                )
        except aiohttp.ClientConnectorCertificateError as error:
            reason = error.certificate_error
            raise Unreachable(
                f"{origin} is not trusted: {reason}{_hint(reason)}"
            ) from error
        except TimeoutError as error:
            raise Unreachable(f"{origin} did not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"no answer from {origin}: {error}") from error


def _base_url(text: str) -> str:
    address = text if "//" in text else f"https://{text}"
    try:
        url = urlsplit(address)
        has_place = url.scheme == "https" and bool(url.hostname) and url.port != 0
    except ValueError as error:
        raise ClientError(f"not an address: {text!r}: {error}") from error
    if not has_place:
        raise ClientError(f"not an HTTPS address: {text!r}")
    return _origin(address)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _followed(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
    except ValueError as error:
        raise Unreachable(
            f"{_origin(url)} redirects to no address: {location}"
        ) from error
    if urlsplit(target).scheme != "https":
        raise Unreachable(f"{_origin(url)} redirects away from HTTPS, to {location}")
    return target


def _show(context: ssl.SSLContext, identity: KeyFiles) -> None:
    try:
        context.load_cert_chain(identity.certificate, identity.private_key)
    except OSError as error:  # ssl.SSLError is one
        reason = (error.strerror or str(error)).lower()
        raise ClientError(
            f"cannot use the identity {identity.name} in {identity.folder}: {reason}"
        ) from error


def _hint(reason: Exception) -> str:
    """Explain what an unknown issuer means for a service's clients."""
    if getattr(reason, "verify_code", None) not in _UNKNOWN_ISSUER:
        return ""
    return (
        "; the certificate given is another service's, or this one's of before it was "
        "recovered"
    )
