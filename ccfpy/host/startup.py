"""From the configuration file to what the enclave is told: files read, addresses real.

Every failure here is a ``ConfigurationRefused`` whose text is one sentence with what to
do; nothing has been started yet.
"""

import posixpath
from collections.abc import Mapping, Sequence
from pathlib import Path

from ccfpy.base import limits
from ccfpy.base.errors import ConfigurationRefused, Malformed
from ccfpy.base.json import Json, JsonObject, dumps, loads
from ccfpy.base.vocabulary import RecoveryRole
from ccfpy.boundary.configuration import (
    AttestationConfiguration,
    CommandType,
    ConsensusConfiguration,
    CoseSignaturesConfiguration,
    FoundingMember,
    HttpConfiguration,
    InitialServiceConfiguration,
    JoinConfiguration,
    LedgerSignaturesConfiguration,
    NodeCertificateConfiguration,
    NodeConfiguration,
    NodeToNodeInterface,
    RecoverConfiguration,
    Redirections,
    RedirectKind,
    RedirectTarget,
    RpcInterface,
    StartConfiguration,
)
from ccfpy.host.config import (
    AttestationSection,
    ConfigurationFile,
    MemberSection,
    RedirectionSection,
    RpcInterfaceSection,
    StartSection,
)
from ccfpy.host.connecting import Address, resolve_published

US_PER_MS = 1000
SUBJECT_ALT_NAME_PREFIXES = ("iPAddress:", "dNSName:")


def resolve(
    file: ConfigurationFile,
    *,
    interfaces: tuple[RpcInterface, ...],
    node_to_node: NodeToNodeInterface,
    environment: Mapping[str, str],
) -> NodeConfiguration:
    """Read every file that the configuration names, for sockets already bound.

    Raises:
        ConfigurationRefused: a file cannot be read, or values do not fit each other.
    """
    command = file.command
    return NodeConfiguration(
        command=command.type,
        node_to_node=node_to_node,
        rpc_interfaces=interfaces,
        start=None if command.start is None else _start(command.start),
        join=_join(file),
        recover=_recover(file),
        node_certificate=_node_certificate(file),
        consensus=ConsensusConfiguration(
            message_timeout_ms=_ms(file.consensus.message_timeout),
            election_timeout_ms=_ms(file.consensus.election_timeout),
            uncommitted_tx_max=file.consensus.max_uncommitted_tx_count,
            pre_vote=file.consensus.pre_vote,
            trace=file.consensus.trace,
        ),
        ledger_signatures=LedgerSignaturesConfiguration(
            tx_count=file.ledger_signatures.tx_count,
            delay_ms=_ms(file.ledger_signatures.delay),
            early=file.ledger_signatures.early,
        ),
        ledger_chunk_bytes=file.ledger.chunk_size,
        snapshot_tx_count=file.snapshots.tx_count,
        jwt_key_refresh_interval_ms=_ms(file.jwt.key_refresh_interval),
        attestation=_attestation(file.attestation, environment),
        node_data=_json_file(file.node_data_json_file, "node_data_json_file"),
        service_data=None
        if command.type is CommandType.JOIN
        else _json_file(file.service_data_json_file, "service_data_json_file"),
        entry_bytes_max=file.memory.max_msg_size,
        node_to_node_message_limit=file.node_to_node_message_limit,
        historical_cache_bytes_max=file.historical_cache_soft_limit,
        slow_calls_max=file.worker_threads or limits.SLOW_CALLS_MAX,
        created_at_ahead_max_ms=_ms(file.created_at_tolerance),
        seals_ledger_secrets=(
            file.output_files.sealed_ledger_secret_location is not None
        ),
        logs_tracebacks=file.logging.tracebacks,
        serves_api_page=file.api_page,
    )


def rpc_interface(
    name: str, section: RpcInterfaceSection, bound: Address, declared: JsonObject
) -> RpcInterface:
    """Describe an interface whose socket is bound to ``bound``.

    ``declared`` is its object in the file as it was written.
    """
    published = resolve_published(section.published_address, bound)
    http = section.http_configuration
    return RpcInterface(
        name=name,
        bind_address=str(bound),
        published_address=str(published),
        protocol=section.protocol,
        app_protocol=section.app_protocol,
        sessions_soft_max=section.max_open_sessions_soft,
        sessions_hard_max=section.max_open_sessions_hard,
        http=HttpConfiguration(
            body_bytes_max=http.max_body_size,
            header_bytes_max=http.max_header_size,
            headers_count_max=http.max_headers_count,
            concurrent_streams_max=http.max_concurrent_streams_count,
            initial_window_bytes=http.initial_window_size,
            frame_bytes_max=http.max_frame_size,
        ),
        authority=section.endorsement.authority,
        accepted_endpoints=section.accepted_endpoints,
        forwarding_timeout_ms=section.forwarding_timeout_ms,
        redirections=_redirections(section),
        declared=dumps(
            {
                key: value
                for key, value in declared.items()
                if key in RpcInterfaceSection.model_fields and value is not None
            }
            | {"bind_address": str(bound), "published_address": str(published)}
        ),
    )


def declared_interfaces(text: bytes) -> dict[str, JsonObject]:
    """Return the objects of ``network.rpc_interfaces`` as the file writes them."""
    value: Json = loads(text)
    for key in ("network", "rpc_interfaces"):
        assert isinstance(value, dict), "the schema was checked before"
        value = value[key]
    assert isinstance(value, dict), "the schema was checked before"
    return {name: item for name, item in value.items() if isinstance(item, dict)}


def recovery_threshold(configured: int, members: Sequence[MemberSection]) -> int:
    """Return the threshold; a configured 0 means as many as can take part.

    Raises:
        ConfigurationRefused: it asks for more members than there are.
    """
    roles = [
        member.recovery_role or RecoveryRole.PARTICIPANT
        for member in members
        if member.encryption_public_key_file
    ]
    participants = roles.count(RecoveryRole.PARTICIPANT)
    owners_only = not participants and RecoveryRole.OWNER in roles
    if configured == 0:
        return 1 if owners_only else participants
    if owners_only and configured > 1:
        raise ConfigurationRefused(
            f"Recovery threshold ({configured}) cannot be greater than 1 when all "
            "initial consortium members are of type recovery owner; lower "
            "recovery_threshold or add a participant"
        )
    if not owners_only and configured > participants:
        raise ConfigurationRefused(
            f"Recovery threshold ({configured}) cannot be greater than total number "
            f"({participants}) of initial consortium members with a public encryption "
            "key; lower recovery_threshold or add members with a key"
        )
    return configured


def expand_variable(text: str, environment: Mapping[str, str]) -> str:
    """Replace ``$NAME`` by its value; text of another form stays as it is."""
    if not text.startswith("$"):
        return text
    return environment.get(text[1:], text)


def expand_path(text: str, environment: Mapping[str, str]) -> str:
    """Replace each part of a path that is ``$NAME`` by its value."""
    if not text:
        return text
    parts = [expand_variable(part, environment) for part in text.split("/")]
    return posixpath.normpath("/".join(parts))


def _start(section: StartSection) -> StartConfiguration:
    where = "command.start"
    configured = section.service_configuration
    return StartConfiguration(
        members=tuple(
            FoundingMember(
                certificate=_content(
                    member.certificate_file, f"{where}.members[{index}]"
                ),
                encryption_public_key=_optional_content(
                    member.encryption_public_key_file, f"{where}.members[{index}]"
                ),
                data=_json_file(member.data_json_file, f"{where}.members[{index}]"),
                recovery_role=member.recovery_role
                if member.encryption_public_key_file
                else None,
            )
            for index, member in enumerate(section.members)
        ),
        constitution=b"\n".join(
            _content(name, f"{where}.constitution_files")
            for name in section.constitution_files
        ),
        service_configuration=InitialServiceConfiguration(
            recovery_threshold=recovery_threshold(
                configured.recovery_threshold, section.members
            ),
            maximum_node_certificate_validity_days=(
                configured.maximum_node_certificate_validity_days
            ),
            maximum_service_certificate_validity_days=(
                configured.maximum_service_certificate_validity_days
            ),
            recent_cose_proposals_window_size=(
                configured.recent_cose_proposals_window_size
            ),
        ),
        service_subject_name=section.service_subject_name,
        initial_service_certificate_validity_days=(
            section.initial_service_certificate_validity_days
        ),
        cose_signatures=CoseSignaturesConfiguration(
            issuer=section.cose_signatures.issuer,
            subject=section.cose_signatures.subject,
        ),
    )


def _join(file: ConfigurationFile) -> JoinConfiguration | None:
    section = file.command.join
    if section is None:
        return None
    Address.parse(section.target_rpc_address)
    return JoinConfiguration(
        target_rpc_address=section.target_rpc_address,
        service_certificate=_content(
            file.command.service_certificate_file, "command.service_certificate_file"
        ),
        retry_timeout_ms=_ms(section.retry_timeout),
        follow_redirect=section.follow_redirect,
        fetch_recent_snapshot=section.fetch_recent_snapshot,
        fetch_snapshot_max_attempts=section.fetch_snapshot_max_attempts,
        fetch_snapshot_retry_interval_ms=_ms(section.fetch_snapshot_retry_interval),
        fetch_snapshot_max_bytes=section.fetch_snapshot_max_size,
    )


def _recover(file: ConfigurationFile) -> RecoverConfiguration | None:
    section = file.command.recover
    if section is None:
        return None
    return RecoverConfiguration(
        previous_service_identity=_content(
            section.previous_service_identity_file,
            "command.recover.previous_service_identity_file",
        ),
        initial_service_certificate_validity_days=(
            section.initial_service_certificate_validity_days
        ),
    )


def _node_certificate(file: ConfigurationFile) -> NodeCertificateConfiguration:
    section = file.node_certificate
    for name in section.subject_alt_names:
        if not name.startswith(SUBJECT_ALT_NAME_PREFIXES):
            raise ConfigurationRefused(
                f"SAN could not be parsed: {name}, must be (iPAddress|dNSName):VALUE; "
                "correct node_certificate.subject_alt_names"
            )
    return NodeCertificateConfiguration(
        subject_name=section.subject_name,
        subject_alt_names=section.subject_alt_names,
        curve_id=section.curve_id,
        initial_validity_days=section.initial_validity_days,
    )


def _redirections(section: RpcInterfaceSection) -> Redirections | None:
    if section.redirections is None:
        return None
    return Redirections(
        to_primary=_redirection(section.redirections.to_primary),
        to_backup=_redirection(section.redirections.to_backup),
    )


def _redirection(section: RedirectionSection | None) -> RedirectTarget | None:
    if section is None:
        return None
    target = section.target or {}
    kind = RedirectKind(section.kind)
    return RedirectTarget(
        kind=kind,
        role=target.get("role", "primary")
        if kind is RedirectKind.NODE_BY_ROLE
        else None,
        interface=target.get("interface"),
        address=target.get("address"),
    )


def _attestation(
    section: AttestationSection, environment: Mapping[str, str]
) -> AttestationConfiguration:
    # Only an SEV-SNP guest has these files: elsewhere the names are placeholders.
    def content(name: str | None) -> bytes | None:
        if not name:
            return None
        try:
            return Path(expand_path(name, environment)).read_bytes()
        except OSError:
            return None

    return AttestationConfiguration(
        security_policy=content(section.snp_security_policy_file),
        uvm_endorsements=content(section.snp_uvm_endorsements_file),
        snp_endorsements=content(section.snp_endorsements_file),
        endorsements_servers=tuple(
            (
                server.type,
                _expand_url(server.url, environment),
                server.max_retries_count,
            )
            for server in section.snp_endorsements_servers
        ),
    )


def _expand_url(url: str, environment: Mapping[str, str]) -> str:
    return ":".join(expand_variable(part, environment) for part in url.split(":", 1))


def _content(name: str, key: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise ConfigurationRefused(
            f"cannot read {name!r}, which {key} names: {_reason(error)}; "
            "put the file there or correct the path"
        ) from None


def _optional_content(name: str | None, key: str) -> bytes | None:
    return _content(name, key) if name else None


def _json_file(name: str | None, key: str) -> bytes | None:
    content = _optional_content(name, key)
    if content is not None:
        try:
            loads(content)
        except Malformed as error:
            raise ConfigurationRefused(
                f"{name!r}, which {key} names, is {error}; correct the file"
            ) from None
    return content


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _ms(time_us: int) -> int:
    return -(-time_us // US_PER_MS)
