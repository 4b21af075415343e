"""Which service a command speaks to, and as whom: options, environment, sandbox.

By default the sandbox of the working folder is meant.
"""

import contextlib
import re
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias
from urllib.parse import urlsplit

import typer

from ccfpy.base.errors import Malformed
from ccfpy.base.json import dumps, loads_object
from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.cli.options import Options

if TYPE_CHECKING:
    from ccfpy.client.connection import Connection
    from ccfpy.client.keys import Identity, KeyFiles


SHARED_DEFAULT = Path("workspace/sandbox_common")
ADDRESS_DEFAULT = "https://127.0.0.1:8000"
CONNECT_TIMEOUT_S = 0.5
CERTIFICATE_END = "_cert.pem"
LEARNED_FILE = "learned.rpc_addresses"
"""Addresses that a service told us, with the digest of its certificate, as JSON."""
LEARNED_MAX = 100
LEARN_AGAIN_S = 60
_ADDRESSES = re.compile(r"[0-9]{1,9}\.rpc_addresses")

UrlOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--url", envvar="CCFPY_URL", help="Where a node answers: https://HOST:PORT."
    ),
]
FolderOption: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--common",
        envvar="CCFPY_COMMON",
        help="The folder with keys and the service's certificate.",
    ),
]
TrustOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--cacert", help="The service's certificate, if it lies elsewhere."),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON value.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustOptions(Options):
    """The service that a command trusts, and the folder with its participants' keys."""

    common: FolderOption = SHARED_DEFAULT
    cacert: TrustOption = None

    @property
    def certificate(self) -> Path:
        """Where the service's certificate is."""
        from ccfpy.client.keys import SERVICE_CERTIFICATE

        return self.cacert or self.common / SERVICE_CERTIFICATE


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOptions(TrustOptions):
    """The service that a command asks."""

    url: UrlOption = None

    def find(self) -> "Place":
        """Find the service; raises as ``Place.find``."""
        return Place.find(self.url, self.common, self.cacert)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A service and the folder with the keys to speak to it.

    Attributes:
        urls: where its nodes answer, as far as is known here.
        remembers: addresses that the service tells are kept in the folder.
    """

    urls: Sequence[str]
    folder: Path
    service: Path
    remembers: bool = False

    @classmethod
    def find(cls, url: str | None, folder: Path, trust: Path | None) -> "Place":
        """Find a service by what is given, and by the folder for the rest.

        Raises:
            CommandFailed: there is no service's certificate.
        """
        from ccfpy.client.keys import SERVICE_CERTIFICATE

        service = folder / SERVICE_CERTIFICATE if trust is None else trust
        if not service.is_file():
            raise CommandFailed(
                f"no service's certificate at {service}: start one with ccfpy sandbox, "
                "or say where it is with --common or --cacert"
            )
        if url is not None:
            return cls(urls=[url], folder=folder, service=service)
        known = _addresses(folder)
        known += [url for url in _learned(folder, service) if url not in known]
        urls = known or [ADDRESS_DEFAULT]
        return cls(urls=urls, folder=folder, service=service, remembers=True)

    @property
    def url(self) -> str:
        """The first address at which a node listens, or else the first address."""
        if len(self.urls) == 1:
            return self.urls[0]
        return next(filter(is_open, self.urls), self.urls[0])

    @property
    def in_order(self) -> Sequence[str]:
        """Return all addresses; the first is one at which a node listens."""
        first = self.url
        return [first, *(url for url in self.urls if url != first)]

    def connect(
        self, name: str | None = None, *, files: "Identity | None" = None
    ) -> "Connection":
        """Make a connection as a participant, or without a certificate.

        Args:
            name: whose keys in the folder to use.
            files: a certificate and its key elsewhere.

        Raises:
            Misused: there are no files of that name.
        """
        from ccfpy.client.connection import Connection
        from ccfpy.client.keys import read_text

        return Connection(
            self.in_order,
            service_certificate=read_text(self.service),
            identity=files if name is None else self.keys(name),
        )

    async def learn(self, connection: "Connection") -> None:
        """Ask the service for its nodes' addresses, unless that was done just now.

        Who only wanted an answer must not fail because of it.
        """
        from ccfpy.base.errors import CcfpyError

        with contextlib.suppress(CcfpyError, OSError):
            file = self.folder / LEARNED_FILE
            is_new = (
                file.exists() and time.time() - file.stat().st_mtime < LEARN_AGAIN_S
            )
            if self.remembers and not is_new:
                self.remember(await connection.learn_addresses())

    def remember(self, urls: Sequence[str]) -> None:
        """Keep addresses of the service's nodes beside the keys, for later commands."""
        if not self.remembers:
            return
        kept = {"service": _digest(self.service), "addresses": list(urls)[:LEARNED_MAX]}
        with contextlib.suppress(OSError):  # the folder may be another user's
            (self.folder / LEARNED_FILE).write_bytes(dumps(kept))

    def names(self) -> dict[str, str]:
        """Return the names of those whose certificates are here, by their ids."""
        from ccfpy.base.errors import CcfpyError
        from ccfpy.client.keys import SERVICE_CERTIFICATE, member_id, read_text
        from ccfpy.crypto.certs import Certificate

        names: dict[str, str] = {}
        for path in sorted(self.folder.glob(f"*{CERTIFICATE_END}")):
            if path.name == SERVICE_CERTIFICATE:
                continue
            with contextlib.suppress(CcfpyError):  # of somebody else's making
                certificate = Certificate.from_pem(read_text(path))
                names[member_id(certificate)] = path.name.removesuffix(CERTIFICATE_END)
        return names

    def keys(self, name: str) -> "KeyFiles":
        """Find a participant's files, by their name or by the beginning of the id.

        Raises:
            Misused: there are no files of that name.
        """
        from ccfpy.client.keys import SERVICE_CERTIFICATE, KeyFiles

        files = KeyFiles(folder=self.folder, name=name)
        if not files.certificate.is_file():
            fitting = [
                known
                for known_id, known in self.names().items()
                if known_id.startswith(name.lower())
            ]
            if len(fitting) == 1:
                return KeyFiles(folder=self.folder, name=fitting[0])
            known = sorted(
                path.name.removesuffix(CERTIFICATE_END)
                for path in self.folder.glob(f"*{CERTIFICATE_END}")
                if path.name != SERVICE_CERTIFICATE
            )
            raise Misused(
                f"no {files.certificate}: choose one of {', '.join(known) or 'nobody'}"
            )
        return files


def _addresses(folder: Path) -> list[str]:
    """Read the addresses that local nodes left beside the keys, in their order."""
    from ccfpy.client.addresses import published_url

    paths = [p for p in folder.glob("*.rpc_addresses") if _ADDRESSES.fullmatch(p.name)]
    paths.sort(key=lambda path: int(path.stem))
    found: list[str] = []
    for path in paths:
        try:
            addresses = loads_object(path.read_bytes())
        except Malformed as error:
            raise CommandFailed(
                f"{path} holds no addresses: {error}; give --url"
            ) from error
        found += filter(None, map(published_url, list(addresses.values())[:1]))
    return found


def _learned(folder: Path, service: Path) -> list[str]:
    """Return the addresses that this service told earlier; none of another service."""
    from ccfpy.client.addresses import published_url

    try:
        kept = loads_object((folder / LEARNED_FILE).read_bytes())
    except (OSError, Malformed):
        return []
    urls = kept.get("addresses")
    if kept.get("service") != _digest(service) or not isinstance(urls, list):
        return []
    told = (url.removeprefix("https://") for url in urls if isinstance(url, str))
    return [*filter(None, map(published_url, told))][:LEARNED_MAX]


def _digest(service: Path) -> str:
    return sha256(service.read_bytes()).hexdigest()


def is_open(url: str) -> bool:
    """Return whether anybody listens there."""
    place = urlsplit(url)
    try:
        address = (place.hostname or "", place.port or 0)
        with socket.create_connection(address, CONNECT_TIMEOUT_S):
            return True
    except (OSError, ValueError):
        return False
