"""How a node on SEV-SNP gets what vouches for its evidence, before all else.

The processor's report proves nothing without the chip's certificate and those above it.
They come from a file beside the guest, if it is for the firmware that the chip reports,
or else from servers, the best first, each asked again some times. The host relays what
they say and may change it; so may they. It is believed only if it verifies, and the
node verifies its own evidence as any other will (``src/node/node_state.h``,
``src/node/quote_endorsements_client.h``).
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from ccfpy.attestation import endorsements
from ccfpy.attestation.endorsements import EndorsementEndpoint, Server
from ccfpy.attestation.snp_report import SnpReport
from ccfpy.base.errors import CcfpyError, ConfigurationRefused, Malformed
from ccfpy.http.messages import Request, Response
from ccfpy.http.tls_calls import UncheckedClientContext
from ccfpy.node.identity import decoded_file, security_policy_of
from ccfpy.node.outbound import CallFailed, Outcome
from ccfpy.service.evidence.snp import SnpQuote
from ccfpy.service.tables.nodes import QuoteFormat

if TYPE_CHECKING:
    from ccfpy.node.running import RunningNode


DEADLINE_MS = 3_000
"""Of one request."""
RETRY_AFTER_S = 3
RETRY_AFTER_S_MAX = 300
"""A server that is asked too often may ask for more patience, up to this."""
_OK, _TOO_MANY = 200, 429


@dataclass(eq=False)
class EndorsementFetch:
    """The fetching of one node's endorsements, which complete its evidence.

    Attributes:
        running: the node; its evidence is completed.
        done: called once when the evidence is complete.
        refused: called once with the reason why the node must stop.
    """

    running: "RunningNode"
    done: Callable[[], None]
    refused: Callable[[str], None]

    def __post_init__(self) -> None:
        self._outbox = self.running.outbox
        self._servers: deque[Server] = deque()
        self._to_ask: deque[EndorsementEndpoint] = deque()
        self._tried: list[str] = []
        self._pem = b""
        self._retries = 0
        self._attempts = 0
        self._due_ms: int | None = None
        self._now_ms = self.running.time.monotonic_ms

    def start(self) -> None:
        """Begin; a node on another platform has all it needs.

        Raises:
            ConfigurationRefused: no server is named, and there is no file that fits, or
                the evidence does not hold with what the file says.
        """
        if self.running.quote_info.format is not QuoteFormat.AMD_SEV_SNP_V1:
            self.done()
            return
        report = SnpReport.parse(self.running.quote_info.quote)
        pem = self._of_file(report)
        if pem is not None:
            self._complete(pem)
            return
        configured = self.running.configuration.attestation.endorsements_servers
        if not configured:
            raise ConfigurationRefused(
                "One or more SNP endorsements servers must be specified to fetch the "
                "collateral for the attestation"
            )
        self._servers.extend(endorsements.servers_for(report, configured))
        self._begin_server()

    def tick(self, now_ms: int) -> None:
        """Advance the clock, and do what is due."""
        self._now_ms = now_ms
        if self._due_ms is not None and self._due_ms <= now_ms:
            self._due_ms = None
            self._ask()

    def _of_file(self, report: SnpReport) -> bytes | None:
        text = self.running.configuration.attestation.snp_endorsements
        if text is None:
            return None
        try:
            pem = endorsements.from_file(text, report)
        except Malformed as error:
            self._outbox.fail(
                f"Error attempting to use SNP endorsements from file: {error}. "
                "Falling back to fetching fresh endorsements from server."
            )
            return None
        tcb = report.reported_tcb[::-1].hex().upper()
        self._outbox.info(
            f"Using SNP endorsements loaded from file, endorsing TCB {tcb}"
        )
        return pem

    def _begin_server(self) -> None:
        server = self._servers[0]
        self._tried.append(server.host)
        self._to_ask = deque(server.endpoints)
        self._pem = b""
        self._retries = 0
        self._ask()

    def _ask(self) -> None:
        endpoint = self._to_ask[0]
        self._outbox.info(
            f"Fetching endorsements for attestation report at {endpoint.url}"
        )
        headers = {"host": endpoint.host, **endpoint.headers}
        try:
            self.running.parts.calls.request(
                f"{endpoint.host}:{endpoint.port}",
                Request(
                    method="GET",
                    path=endpoint.path,
                    query=endpoint.query,
                    headers={name.lower(): value for name, value in headers.items()},
                ),
                trust=(
                    UncheckedClientContext(endpoint.host) if endpoint.is_tls else None
                ),
                then=partial(self._answered, endpoint),
                deadline_ms=DEADLINE_MS,
            )
        except CcfpyError as error:
            self._failed(endpoint, str(error))

    def _answered(self, endpoint: EndorsementEndpoint, outcome: Outcome) -> None:
        if isinstance(outcome, CallFailed):
            self._failed(endpoint, outcome.detail)
            return
        if outcome.status != _OK:
            self._failed(endpoint, f"status {outcome.status}", outcome)
            return
        try:
            self._pem += endpoint.read(outcome.body)
        except CcfpyError as error:
            self._failed(endpoint, str(error))
            return
        self._outbox.info(
            "Successfully retrieved endorsements for attestation report: "
            f"{len(outcome.body)} bytes"
        )
        self._to_ask.popleft()
        if self._to_ask:
            self._ask()
            return
        self._outbox.info("Complete endorsement chain successfully retrieved")
        try:
            self._complete(self._pem)
        except ConfigurationRefused as refusal:
            self.refused(str(refusal))

    def _failed(
        self,
        endpoint: EndorsementEndpoint,
        detail: str,
        response: Response | None = None,
    ) -> None:
        self._outbox.info(
            f"Error fetching endorsements for attestation report: {detail}"
        )
        if self._retries >= self._servers[0].retries_max:
            self._servers.popleft()
            if self._servers:
                self._begin_server()
                return
            self._outbox.fail(
                "Giving up retrying fetching attestation endorsements from "
                f"[{', '.join(self._tried)}] after {self._attempts} attempts"
            )
            self.refused(
                "Timed out fetching attestation endorsements from all configured "
                "servers"
            )
            return
        self._retries += 1
        self._attempts += 1
        wait_s, why = RETRY_AFTER_S, "failed to respond"
        if response is not None and response.status == _TOO_MANY:
            wait_s, why = _patience(response), "had too many requests"
        self._outbox.info(
            f"{endpoint} endorsements endpoint {why}. Retrying in {wait_s}s"
        )
        self._due_ms = self._now_ms + wait_s * 1000

    def _complete(self, pem: bytes) -> None:
        """Take the certificates, and verify what others will be shown.

        Raises:
            ConfigurationRefused: it does not hold, or what is configured belongs to
                another guest.
        """
        running = self.running
        configured = running.configuration.attestation
        info = replace(running.quote_info, endorsements=pem)
        if configured.uvm_endorsements is None:
            self._outbox.info(
                "UVM endorsements not set, skipping check against attestation "
                "measurement"
            )
        else:
            uvm = decoded_file(configured.uvm_endorsements, "the UVM endorsements")
            info = replace(info, uvm_endorsements=uvm)
        try:
            quote = SnpQuote.read(info, unix_time_s=running.time.unix_us // 1_000_000)
        except CcfpyError as error:
            raise ConfigurationRefused(
                f"Failed to extract code id from quote: {error}"
            ) from error
        self._check_policy(quote, configured.security_policy)
        try:
            release = quote.endorsed_release()
        except CcfpyError as error:
            raise ConfigurationRefused(
                f"Error verifying UVM endorsements: {error}"
            ) from error
        if release is not None:
            self._outbox.info(
                "Successfully verified attested UVM endorsements: did: "
                f"{release.did}, feed: {release.feed}, svn: {release.svn}"
            )
        running.endorse_evidence(info)
        self.done()

    def _check_policy(self, quote: SnpQuote, policy: bytes | None) -> None:
        if policy is None:
            self._outbox.info(
                "Security policy not set, skipping check against attestation host data"
            )
            return
        try:
            quote.check_security_policy(security_policy_of(policy).encode())
        except CcfpyError as error:
            raise ConfigurationRefused(str(error)) from error
        self._outbox.info(
            f"Successfully verified attested security policy "
            f"{quote.report.host_data.hex()}"
        )


def _patience(response: Response) -> int:
    """Read how long a server wants to be left alone; the usual if it says nonsense."""
    value = response.headers.get("retry-after", "")
    if not value.isascii() or not value.isdecimal():
        return RETRY_AFTER_S
    return min(int(value[:9]), RETRY_AFTER_S_MAX)
