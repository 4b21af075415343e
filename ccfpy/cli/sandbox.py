"""``ccfpy sandbox``: a service of one's own, opened, tried out and kept running.

A JavaScript application that it begins with is taken as CCF's sandbox takes one: it is
checked only that every module is there. ``ccfpy app bundle`` checks more.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypedDict

import typer

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, loads_object
from ccfpy.cli import completion
from ccfpy.cli.addresses import free_ports, named_anywhere, placements
from ccfpy.cli.errors import CommandFailed, Misused, no_such_file
from ccfpy.cli.output import print_lines
from ccfpy.cli.terminal import progress_console, text_console
from ccfpy.client.bundle import NoBundle, read_bundle
from ccfpy.client.share import constitution as shipped_constitution

if TYPE_CHECKING:
    from ccfpy.cli.earlier_run import Lost
    from ccfpy.cli.sandbox_run import Plan
    from ccfpy.crypto.ec import Curve
    from ccfpy.local.configuration import Placement, ServiceOptions


PARTICIPANTS_MAX = 100
SCRIPTS = ("actions.js", "validate.js", "resolve.js", "apply.js")
JS_APP = "js_generic"
ELECTION_TIMEOUT_MS = 2000
"""Shorter than a node's own default, so that a failover can be watched."""
ELECTION_TIMEOUT_MS_MIN = 500
"""A few times what passes between two messages of an idle primary."""
METRICS_PORT = 9464
"""Of the first node; the port that exporters of OpenTelemetry use."""


NodeOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--node",
        "-n",
        help="How many nodes, or where one is to listen: local://HOST:PORT.",
    ),
]
AppOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--app",
        help="The app: a sample's name or a Python file or package.",
        autocompletion=completion.apps,
    ),
]
PackageOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--package", "-p", help="The app by the name of CCF's program."),
]
BundleOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--js-app-bundle", help="A folder with a JavaScript app to install."),
]
MembersOption: TypeAlias = Annotated[
    int, typer.Option(min=1, max=PARTICIPANTS_MAX, envvar="INITIAL_MEMBER_COUNT")
]
UsersOption: TypeAlias = Annotated[int, typer.Option(min=0, max=PARTICIPANTS_MAX)]
CurveOption: TypeAlias = Annotated[str, typer.Option(help="secp384r1 or secp256r1.")]
ConstitutionOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(help="A shipped constitution's name, or script after script."),
]
ConstitutionFolderOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--constitution-dir", "-c", help="A folder with its scripts."),
]
WorkspaceOption: TypeAlias = Annotated[
    Path,
    typer.Option(
        help="Where all is kept; of the run before, in folders ending in _earlier.",
        envvar="WORKSPACE",
    ),
]
LabelOption: TypeAlias = Annotated[str, typer.Option(help="Begins the folders' names.")]
IssuersOption: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option("--jwt-issuer", help="A JSON file: an issuer of tokens to accept."),
]
ClaimsOption: TypeAlias = Annotated[
    tuple[str, str],
    typer.Option(
        help="What COSE signatures, and so receipts, claim of themselves.",
        metavar="ISSUER SUBJECT",
    ),
]
CountOption: TypeAlias = Annotated[int, typer.Option(min=1)]
ElectionTimeoutOption: TypeAlias = Annotated[
    int,
    typer.Option(
        help="After how long without a word of the primary nodes elect another.",
        min=ELECTION_TIMEOUT_MS_MIN,
        envvar="ELECTION_TIMEOUT_MS",
    ),
]
LogLevelOption: TypeAlias = Annotated[str, typer.Option(help="The node's log level.")]
ShutdownOption: TypeAlias = Annotated[
    bool, typer.Option("--auto-shutdown", help="Stop once everything worked.")
]
VerboseOption: TypeAlias = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show the node's log at the end.")
]
Http2Option: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--http2",
        help="Speak HTTP/2 at the nodes' addresses, and HTTP/1.1 beside them.",
    ),
]
MetricsOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--metrics", help="Serve metrics for Prometheus, at one port for each node."
    ),
]
TracesOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Send traces to a collector by OTLP over HTTP, for callers who want it.",
        metavar="URL",
    ),
]
ApiPageOption: TypeAlias = Annotated[
    bool,
    typer.Option("--api-page", help="Serve a page of all endpoints, for browsers."),
]
RecoverOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--recover",
        "-r",
        help="Bring back a service that was lost, in folders _recover.",
    ),
]
LedgerFolderOption: TypeAlias = Annotated[
    Path | None, typer.Option(help="Its ledger; with --recover.")
]
CommonFolderOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="Its certificate and its members' keys; with --recover."),
]
SnapshotsFolderOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="Its snapshots, which spare reading what is before them."),
]
FactsOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Say where the service is as JSON.")
]


def sandbox(  # noqa: PLR0913  # one parameter for each of CCF's options
    *,
    node: NodeOption = None,
    app: AppOption = None,
    package: PackageOption = None,
    js_app_bundle: BundleOption = None,
    initial_member_count: MembersOption = 3,
    initial_user_count: UsersOption = 1,
    participants_curve: CurveOption = "secp384r1",
    constitution: ConstitutionOption = None,
    constitution_dir: ConstitutionFolderOption = None,
    jwt_issuer: IssuersOption = None,
    workspace: WorkspaceOption = Path("workspace"),
    label: LabelOption = "sandbox",
    initial_node_cert_validity_days: CountOption = 90,
    initial_service_cert_validity_days: CountOption = 90,
    ledger_chunk_bytes: str = "5MB",
    snapshot_tx_interval: CountOption = 10_000,
    sig_tx_interval: CountOption = 5000,
    sig_ms_interval: CountOption = 100,
    election_timeout_ms: ElectionTimeoutOption = ELECTION_TIMEOUT_MS,
    cose_claims: ClaimsOption = ("", ""),
    log_level: LogLevelOption = "info",
    http2: Http2Option = False,
    metrics: MetricsOption = False,
    traces: TracesOption = None,
    api_page: ApiPageOption = False,
    recover: RecoverOption = False,
    ledger_dir: LedgerFolderOption = None,
    common_dir: CommonFolderOption = None,
    snapshots_dir: SnapshotsFolderOption = None,
    auto_shutdown: ShutdownOption = False,
    verbose: VerboseOption = False,
    json: FactsOption = False,
) -> None:
    """Start, open and keep a service to try things out on.

    Members vote to open it, its first receipt is verified offline, and curl commands
    are printed. Ctrl-C stops it. With -n 3, end a node and see another take over.
    --recover brings a service back from its ledger and its members' keys.
    """
    from ccfpy.cli.earlier_run import Lost
    from ccfpy.cli.sandbox_run import Plan
    from ccfpy.local import configuration, network

    lost = Lost.of(ledger_dir, common_dir, snapshots_dir, recover=recover)
    days = initial_node_cert_validity_days
    options = configuration.ServiceOptions(
        workspace=workspace,
        label=label,
        app=_app(app, package, js_app_bundle),
        program=network.NODE_PROGRAM,
        **_people(initial_member_count, initial_user_count, participants_curve),
        constitution=_constitution(constitution, constitution_dir),
        election_timeout_ms=election_timeout_ms,
        signature_delay_ms=sig_ms_interval,
        chunk_size=ledger_chunk_bytes,
        service_validity_days=initial_service_cert_validity_days,
        cose_claims=cose_claims,
        log_level=log_level,
        has_http2=http2,
        extra=_sections(days, snapshot_tx_interval, sig_tx_interval, api_page),
    )
    plan = Plan(
        options=options if lost is None else lost.applied(options),
        lost=lost,
        actions=_actions(lost, options, jwt_issuer or [], js_app_bundle),
        placements=_placements(node or [], has_metrics=metrics, traces=traces),
    )
    _run(plan, stop_at_once=auto_shutdown, as_json=json, shows_log=verbose)


class _People(TypedDict):
    """Who takes part in a service, among its options."""

    members: list[str]
    users: list[str]
    curve: "Curve"


def _people(members: int, users: int, curve: str) -> _People:
    """Name so many founding members and users."""
    return {
        "members": [f"member{i}" for i in range(members)],
        "users": [f"user{i}" for i in range(users)],
        "curve": _curve(curve),
    }


def _run(plan: "Plan", *, stop_at_once: bool, as_json: bool, shows_log: bool) -> None:
    """Run a sandbox until it is stopped."""
    from ccfpy.cli.sandbox_run import Run

    run = Run(plan, say=progress_console() if as_json else text_console())
    with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(run.until_stopped(stop_at_once=stop_at_once, json=as_json))
    if shows_log:
        print_lines(run.log())


def _placements(
    given: Sequence[str], *, has_metrics: bool, traces: str | None
) -> "list[Placement]":
    """Choose where each node listens, serves metrics, and sends traces."""
    from ccfpy.local.configuration import HOST

    placed = [replace(placement, traces=traces) for placement in placements(given)]
    if not has_metrics:
        return placed
    ports = free_ports(HOST, METRICS_PORT, len(placed))
    return [
        replace(placement, metrics=f"{HOST}:{port}")
        for placement, port in zip(placed, ports, strict=True)
    ]


def _sections(
    node_validity_days: int,
    snapshot_tx_count: int,
    signature_tx_count: int,
    has_api_page: bool,
) -> Mapping[str, Json]:
    """Return what else is in every node's configuration."""
    return {
        "node_certificate": {"initial_validity_days": node_validity_days},
        "snapshots": {"tx_count": snapshot_tx_count},
        "ledger_signatures": {"tx_count": signature_tx_count, "early": True},
        "logging": {"tracebacks": True},
        "api_page": has_api_page,
    }


def _actions(
    lost: "Lost | None",
    options: "ServiceOptions",
    issuers: Sequence[Path],
    bundle: Path | None,
) -> Sequence[Mapping[str, Json]]:
    """Return what members decide on besides opening the service."""
    return [
        *([] if lost is None else [_set_constitution(options.constitution)]),
        *(_issuer(path) for path in issuers),
        *([install_app(bundle)] if bundle else []),
    ]


def _curve(name: str) -> "Curve":
    from ccfpy.client.keys import CURVES

    if name not in CURVES:
        raise Misused(f"no curve {name!r}: choose {' or '.join(CURVES)}")
    return CURVES[name]


def _app(app: str | None, package: str | None, bundle: Path | None) -> str:
    from ccfpy.cli.sandbox_run import WRITABLE_APP

    if app and package:
        raise Misused("--app and --package say the same: give one of them")
    if app:
        return named_anywhere(app)
    if package:
        return Path(package).name
    return JS_APP if bundle else WRITABLE_APP


def _constitution(named: Sequence[str] | None, folder: Path | None) -> Sequence[Path]:
    if folder is not None:
        scripts = [folder / name for name in SCRIPTS]
    else:
        given = named or ["default"]
        if len(given) == 1 and not Path(given[0]).is_file():
            return _shipped(given[0])
        scripts = [Path(name) for name in given]
    missing = [str(path) for path in scripts if not path.is_file()]
    if missing:
        raise Misused(f"no constitution script {missing[0]}: correct the path")
    return scripts


def _shipped(name: str) -> Sequence[Path]:
    try:
        return shipped_constitution(name)
    except FileNotFoundError as error:
        raise Misused(str(error)) from error


def _set_constitution(scripts: Sequence[Path]) -> Mapping[str, Json]:
    """Return the action that sets the constitution asked for in a recovered service."""
    text = "\n".join(path.read_text() for path in scripts)
    return {"name": "set_constitution", "args": {"constitution": text}}


def _issuer(path: Path) -> Mapping[str, Json]:
    try:
        return {"name": "set_jwt_issuer", "args": loads_object(path.read_bytes())}
    except OSError as error:
        raise no_such_file(str(path), error) from error
    except Malformed as error:
        raise CommandFailed(f"{path} describes no issuer: {error}") from error


def install_app(place: Path) -> Mapping[str, Json]:
    """Return the action that installs the application of a folder or a bundle's file.

    Raises:
        CommandFailed: there is no bundle, or it is incomplete.
    """
    try:
        bundle = read_bundle(place)
    except NoBundle as error:
        raise CommandFailed(
            f"cannot use the JavaScript app in {place}: {error}"
        ) from error
    if not isinstance(bundle.metadata.get("endpoints"), dict):
        raise CommandFailed("an app.json needs an object 'endpoints'")
    for _, _, properties in bundle.endpoints():
        name = properties.get("js_module") if isinstance(properties, dict) else None
        if isinstance(name, str) and name not in bundle.modules:
            where = bundle.folder or place
            raise CommandFailed(
                f"the app's metadata names the module {name!r}, but there is no "
                f"{where / name}"
            )
    return bundle.action()
