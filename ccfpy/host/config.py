"""CCF's configuration file, as a strict schema.

Keys, defaults and units are those of ``doc/host_config_schema/cchost_config.json``, and
a few keys of ours, which are off by default or without effect on a node of CCF's. An
unknown key is refused, and so is a value of another type. Of ``command.start``,
``join`` and ``recover`` only the section that ``command.type`` names is read; templates
fill the other sections with placeholders.

This file only reads text into typed values. ``startup`` resolves them (files, sockets)
into the enclave's configuration.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from ccfpy.base.errors import ConfigurationRefused, Malformed
from ccfpy.base.json import Json, loads
from ccfpy.base.limits import (
    HTTP2_FRAME_BYTES_CEILING,
    HTTP2_FRAME_BYTES_FLOOR,
    HTTP2_STREAMS_CEILING,
    HTTP2_WINDOW_BYTES_CEILING,
    SLOW_CALLS_CEILING,
)
from ccfpy.base.units import parse_size, parse_time_us
from ccfpy.base.vocabulary import RecoveryRole
from ccfpy.boundary.configuration import (
    CommandType,
    CurveId,
    InterfaceAuthority,
)


def _size(value: object) -> int:
    return _quantity(value, parse_size, 'a size in quotes, such as "5MB"')


def _time_us(value: object) -> int:
    return _quantity(value, parse_time_us, 'a time in quotes, such as "100ms"')


def _quantity(value: object, parse: Callable[[str], int], example: str) -> int:
    if type(value) is not str:
        raise PydanticCustomError("quantity", f"should be {example}")
    try:
        return parse(value)
    except Malformed as error:
        raise PydanticCustomError("quantity", f"is {error}") from None


def _frame_size(size: int) -> int:
    if not HTTP2_FRAME_BYTES_FLOOR <= size <= HTTP2_FRAME_BYTES_CEILING + 1:
        raise PydanticCustomError("frame_size", "should be from '16KB' to '16MB'")
    return min(size, HTTP2_FRAME_BYTES_CEILING)  # which is a byte less than 16MB


def _window_size(size: int) -> int:
    if size > HTTP2_WINDOW_BYTES_CEILING:
        raise PydanticCustomError("window_size", "should be less than '2GB'")
    return size


def _authority(value: object) -> object:
    if value == "ACME":
        raise PydanticCustomError(
            "acme", "is 'ACME', which is no longer supported; use 'Service'"
        )
    return value


Size: TypeAlias = Annotated[int, BeforeValidator(_size)]
"""A size string, in bytes."""
Time: TypeAlias = Annotated[int, BeforeValidator(_time_us)]
"""A time string, in microseconds."""
Count: TypeAlias = Annotated[int, Field(ge=0, strict=True)]
Days: TypeAlias = Annotated[PositiveInt, Field(strict=True)]
Text: TypeAlias = Annotated[str, Field(strict=True)]
Flag: TypeAlias = Annotated[bool, Field(strict=True)]


class Section(BaseModel):
    """A JSON object that knows all its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OpenSection(BaseModel):
    """A JSON object in which the schema allows keys it does not know."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class HttpSection(Section):
    """``http_configuration``."""

    max_body_size: Size | None = None
    max_header_size: Size = parse_size("16KB")
    max_headers_count: Count = 256
    max_concurrent_streams_count: Annotated[Days, Field(le=HTTP2_STREAMS_CEILING)] = 100
    initial_window_size: Annotated[Size, AfterValidator(_window_size)] = parse_size(
        "64KB"
    )
    max_frame_size: Annotated[Size, AfterValidator(_frame_size)] = parse_size("16KB")


class EndorsementSection(Section):
    """``endorsement``."""

    authority: Annotated[InterfaceAuthority, BeforeValidator(_authority)]


class RedirectionSection(Section):
    """One of an interface's ``redirections``."""

    kind: Literal["NodeByRole", "StaticAddress"]
    target: dict[str, Text] | None = None

    @model_validator(mode="after")
    def _target_fits_kind(self) -> "RedirectionSection":
        target = self.target or {}
        if self.kind == "StaticAddress":
            if set(target) != {"address"}:
                raise PydanticCustomError(
                    "target", 'needs a "target" with exactly one key, "address"'
                )
        elif set(target) - {"role", "interface"} or target.get("role") not in (
            None,
            "primary",
            "backup",
        ):
            raise PydanticCustomError(
                "target",
                'takes a "target" with the keys "role", which is "primary" or '
                '"backup", and "interface"',
            )
        return self


class RedirectionsSection(Section):
    """``redirections``."""

    to_primary: RedirectionSection | None = None
    to_backup: RedirectionSection | None = None


class RpcInterfaceSection(OpenSection):
    """One entry of ``rpc_interfaces``; ``max_open_sessions_per_address`` is ours."""

    bind_address: Text
    published_address: Text = ""
    protocol: Literal["tcp", "udp"] = "tcp"
    app_protocol: Text = "HTTP1"
    max_open_sessions_soft: Count = 1000
    max_open_sessions_hard: Count = 1010
    max_open_sessions_per_address: Count | None = None
    http_configuration: HttpSection = HttpSection()
    endorsement: EndorsementSection = EndorsementSection(
        authority=InterfaceAuthority.SERVICE
    )
    accepted_endpoints: tuple[Text, ...] | None = None
    forwarding_timeout_ms: Count = 3000
    redirections: RedirectionsSection | None = None


class NodeToNodeSection(Section):
    """``node_to_node_interface``."""

    bind_address: Text
    published_address: Text = ""


class NetworkSection(Section):
    """``network``."""

    node_to_node_interface: NodeToNodeSection
    rpc_interfaces: dict[str, RpcInterfaceSection]


class MemberSection(Section):
    """One entry of ``start.members``."""

    certificate_file: Text
    encryption_public_key_file: Text | None = None
    data_json_file: Text | None = None
    recovery_role: RecoveryRole | None = None


class ServiceConfigurationSection(Section):
    """``start.service_configuration``."""

    recovery_threshold: Count
    maximum_node_certificate_validity_days: Days | None = None
    maximum_service_certificate_validity_days: Days | None = None
    recent_cose_proposals_window_size: Days | None = None


class CoseSignaturesSection(OpenSection):
    """``start.cose_signatures``."""

    issuer: Text = ""
    subject: Text = ""


class StartSection(Section):
    """``command.start``."""

    constitution_files: tuple[Text, ...]
    members: tuple[MemberSection, ...]
    initial_service_certificate_validity_days: Days = 1
    service_subject_name: Text = "CN=CCF Service"
    cose_signatures: CoseSignaturesSection = CoseSignaturesSection()
    service_configuration: ServiceConfigurationSection = ServiceConfigurationSection(
        recovery_threshold=0
    )


class JoinSection(Section):
    """``command.join``."""

    target_rpc_address: Text
    retry_timeout: Time = parse_time_us("1000ms")
    follow_redirect: Flag = True
    fetch_recent_snapshot: Flag = True
    fetch_snapshot_max_attempts: Days = 3
    fetch_snapshot_retry_interval: Time = parse_time_us("1000ms")
    fetch_snapshot_max_size: Size = parse_size("10GB")


class RecoverSection(Section):
    """``command.recover``."""

    previous_service_identity_file: Text
    initial_service_certificate_validity_days: Days = 1
    previous_sealed_ledger_secret_location: Text | None = None


class CommandSection(OpenSection):
    """``command``."""

    type: CommandType
    service_certificate_file: Text = "service_cert.pem"
    start: StartSection | None = None
    join: JoinSection | None = None
    recover: RecoverSection | None = None

    @model_validator(mode="before")
    @classmethod
    def _only_the_named_section(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        named = str(value.get("type")).lower()
        kept = {
            key: section
            for key, section in value.items()
            if key == named or key not in ("start", "join", "recover")
        }
        if named in ("start", "join", "recover") and kept.get(named) is None:
            raise PydanticCustomError(
                "section",
                "has the type {type} but no section {section}; add it",
                {"type": repr(value["type"]), "section": repr(named)},
            )
        return kept


class NodeCertificateSection(Section):
    """``node_certificate``."""

    subject_name: Text = "CN=CCF Node"
    subject_alt_names: tuple[Text, ...] = ()
    curve_id: CurveId = CurveId.SECP384R1
    initial_validity_days: Days = 1


class EndorsementsServerSection(Section):
    """One entry of ``snp_endorsements_servers``."""

    type: Literal["Azure", "AMD", "THIM"] = "Azure"
    url: Text
    max_retries_count: Count = 3


class AttestationSection(Section):
    """``attestation``."""

    snp_security_policy_file: Text | None = None
    snp_uvm_endorsements_file: Text | None = None
    snp_endorsements_file: Text | None = None
    snp_endorsements_servers: tuple[EndorsementsServerSection, ...] = ()


class LedgerSection(Section):
    """``ledger``."""

    directory: Text = "ledger"
    read_only_directories: tuple[Text, ...] = ()
    chunk_size: Size = parse_size("5MB")


class SnapshotsSection(Section):
    """``snapshots``."""

    directory: Text = "snapshots"
    tx_count: Days = 10_000
    read_only_directory: Text | None = None


class LoggingSection(Section):
    """``logging``; ``tracebacks`` is ours."""

    host_level: Literal["Trace", "Debug", "Info", "Fail", "Fatal"] = "Info"
    format: Literal["Text", "Json"] = "Text"
    tracebacks: Flag = False


class ConsensusSection(Section):
    """``consensus``; ``pre_vote`` and ``trace`` are ours."""

    message_timeout: Time = parse_time_us("100ms")
    election_timeout: Time = parse_time_us("5000ms")
    max_uncommitted_tx_count: Count = 10_000
    pre_vote: Flag = True
    trace: Flag = False


class LedgerSignaturesSection(Section):
    """``ledger_signatures``; ``early`` is ours."""

    tx_count: Days = 5000
    delay: Time = parse_time_us("1000ms")
    early: Flag = False


class JwtSection(Section):
    """``jwt``."""

    key_refresh_interval: Time = parse_time_us("30min")


class OutputFilesSection(Section):
    """``output_files``."""

    node_certificate_file: Text = "nodecert.pem"
    pid_file: Text = "node.pid"
    node_to_node_address_file: Text = ""
    rpc_addresses_file: Text = ""
    sealed_ledger_secret_location: Text | None = None


class MemorySection(Section):
    """``memory``; only the bound on one message has meaning here."""

    circuit_size: Size = parse_size("16MB")
    max_msg_size: Size = parse_size("64MB")
    max_fragment_size: Size = parse_size("256KB")


class ConfigurationFile(Section):
    """The whole file."""

    network: NetworkSection
    command: CommandSection
    node_certificate: NodeCertificateSection = NodeCertificateSection()
    node_data_json_file: Text | None = None
    attestation: AttestationSection = AttestationSection()
    service_data_json_file: Text | None = None
    ledger: LedgerSection = LedgerSection()
    snapshots: SnapshotsSection = SnapshotsSection()
    logging: LoggingSection = LoggingSection()
    consensus: ConsensusSection = ConsensusSection()
    ledger_signatures: LedgerSignaturesSection = LedgerSignaturesSection()
    jwt: JwtSection = JwtSection()
    output_files: OutputFilesSection = OutputFilesSection()
    tick_interval: Time = parse_time_us("10ms")
    slow_io_logging_threshold: Time = parse_time_us("10ms")
    node_client_interface: Text | None = None
    client_connection_timeout: Time = parse_time_us("2000ms")
    idle_connection_timeout: Time | None = parse_time_us("60s")
    worker_threads: Annotated[Count, Field(le=SLOW_CALLS_CEILING)] = 0
    memory: MemorySection = MemorySection()
    ignore_first_sigterm: Flag = False
    node_to_node_message_limit: Count = 23_726_566
    historical_cache_soft_limit: Size = parse_size("512MB")
    created_at_tolerance: Time = parse_time_us("10min")
    """Ours, as is ``api_page``."""
    api_page: Flag = False


def check_json(text: str | bytes, *, name: str) -> Json:
    """Read the text of a configuration file as JSON, of whatever content.

    Raises:
        ConfigurationRefused: it is none, in CCF's words.
    """
    try:
        return loads(text)
    except Malformed as error:
        raise ConfigurationRefused(
            f"Error parsing configuration file {name}: {error}; correct the file"
        ) from None


def with_default_pre_vote(file: ConfigurationFile, *, is_on: bool) -> ConfigurationFile:
    """Set ``consensus.pre_vote`` where the file does not say."""
    consensus = file.consensus
    if "pre_vote" in consensus.model_fields_set:
        return file
    chosen = consensus.model_copy(update={"pre_vote": is_on})
    return file.model_copy(update={"consensus": chosen})


def parse_configuration(text: str | bytes, *, name: str) -> ConfigurationFile:
    """Read the text of a configuration file called ``name``.

    Raises:
        ConfigurationRefused: it is not JSON, or breaks the schema; the text is CCF's
            sentence and what to change.
    """
    value = check_json(text, name=name)
    try:
        return ConfigurationFile.model_validate(value)
    except ValidationError as error:
        # One sentence: the first thing to put right, not a list.
        raise ConfigurationRefused(
            f"Error validating JSON schema for configuration file {name}: "
            + explain(error.errors(include_url=False)[0])
        ) from None


_REMEDIES: Mapping[str, str] = {
    "missing": "is missing; add it",
    "extra_forbidden": "is not a known key; remove it or correct its spelling",
    "string_type": "should be text in quotes",
    "int_type": "should be a whole number without quotes",
    "bool_type": "should be true or false, without quotes",
    "tuple_type": "should be a list in square brackets",
    "dict_type": "should be an object in braces",
    "model_type": "should be an object in braces",
    "model_attributes_type": "should be an object in braces",
}


def explain(error: ErrorDetails) -> str:
    """Return where a file breaks the schema and what would be right."""
    where = _path(error["loc"])
    kind = error["type"]
    if kind in _REMEDIES:
        return f"{where} {_REMEDIES[kind]}{_found(error, kind)}"
    if kind in ("enum", "literal_error"):
        allowed = error.get("ctx", {})["expected"]
        return f"{where} should be {allowed}{_found(error, kind)}"
    if kind in ("greater_than", "greater_than_equal"):
        least = 1 if kind == "greater_than" else 0
        return f"{where} should be at least {least}{_found(error, kind)}"
    if kind == "less_than_equal":
        most = error.get("ctx", {})["le"]
        return f"{where} should be at most {most}{_found(error, kind)}"
    return f"{where} {error['msg']}"


def _found(error: ErrorDetails, kind: str) -> str:
    if kind in ("missing", "extra_forbidden"):
        return ""
    return f", not {error['input']!r:.80}"


def _path(parts: Sequence[int | str]) -> str:
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return f"'{path}'" if path else "the file"
