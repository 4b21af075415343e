"""``ccfpy app bundle`` and ``deploy``: an app checked, as one file or installed."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ccfpy.base.errors import Malformed
from ccfpy.base.json import JsonObject, dumps, loads_object
from ccfpy.cli.addresses import refuse_python
from ccfpy.cli.errors import CommandFailed, ExitCode, Misused, no_such_file
from ccfpy.cli.options import with_options
from ccfpy.cli.output import counted, note, print_json, print_line, write
from ccfpy.cli.place import JsonOption, Place, TrustOptions
from ccfpy.cli.signing import SignersOptions
from ccfpy.client.bundle import Bundle, read_bundle
from ccfpy.devtools.project import Project

if TYPE_CHECKING:
    from ccfpy.client.governance import Deployment


BUNDLE = "bundle.json"
TO_STDOUT = "-"

AppArgument: TypeAlias = Annotated[
    Path,
    typer.Argument(
        metavar="APP", help="A project, a folder with app.json and src, or a bundle."
    ),
]
BuildOption: TypeAlias = Annotated[
    bool, typer.Option("--build/--no-build", help="Run the project's build first.")
]


def bundle(
    app: AppArgument = Path(),
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Where the bundle goes; - for stdout.", metavar="FILE"
        ),
    ] = None,
    proposal: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a proposal to install it, too."),
    ] = None,
    build: BuildOption = True,
    json: JsonOption = False,
) -> None:
    """Check an app and write it as one file, as set_js_app takes it.

    A project with a build script is built first. Every endpoint's properties and
    policies are checked, every module compiled, every function looked for.
    """
    if str(out) == TO_STDOUT and json:
        raise Misused("-o - and --json would both write to stdout: give one of them")
    made = checked(app, build=build)
    folder = app if app.is_dir() else app.parent
    target = out or folder / BUNDLE
    if str(target) == TO_STDOUT:
        write(dumps(made.as_json()) + b"\n")
    elif target.resolve() != app.resolve():
        _keep(target, made.as_json(), ("metadata", "modules"))
    if proposal is not None:
        _keep(proposal, {"actions": [made.action()]}, ("actions",))
    endpoints = [f"{verb.upper()} {path}" for path, verb, _ in made.endpoints()]
    if json:
        print_json(
            {
                "bundle": str(target),
                "proposal": None if proposal is None else str(proposal),
                "endpoints": endpoints,
                "modules": list(made.modules),
            }
        )
    elif str(target) != TO_STDOUT:
        served = counted(len(endpoints), "endpoint")
        print_line(f"{target}: {served}, {counted(len(made.modules), 'module')}")
        if proposal is not None:
            print_line(f"{proposal}: propose it with ccfpy gov propose {proposal}")


def checked(app: Path, *, build: bool = True) -> Bundle:
    """Build an app if it is a project, read it, and print what is wrong with it.

    Raises:
        CommandFailed: the app cannot be used; every reason has been printed.
        Misused: the app is in Python.
        CcfpyError: there is no app, or its build fails.
    """
    from ccfpy.devtools.checks import check

    refuse_python(app)
    if build and app.is_dir() and asyncio.run(Project.of(app).build()):
        note(f"built {app}")
    made = read_bundle(app)
    findings = check(made)
    for remark in findings.remarks:
        note(f"remark: {remark}")
    if findings.faults:
        for fault in findings.faults:
            note(f"fault: {fault}")
        raise CommandFailed(
            f"{app} cannot be used as it is: correct "
            f"{counted(len(findings.faults), 'fault')}",
            code=ExitCode.FAILED,
        )
    return made


def _keep(path: Path, value: JsonObject, marks: tuple[str, ...]) -> None:
    """Write a file; one that is there already must be of the same kind."""
    try:
        if path.exists() and not _has(path, marks):
            raise Misused(
                f"{path} is there already and is something else: choose another name"
            )
        path.write_bytes(dumps(value) + b"\n")
    except OSError as error:
        raise no_such_file(str(path), error) from error


def _has(path: Path, marks: tuple[str, ...]) -> bool:
    try:
        return set(loads_object(path.read_bytes())) == set(marks)
    except Malformed:
        return False


@with_options
def deploy(
    app: AppArgument,
    *,
    members: SignersOptions,
    to: Annotated[
        str | None,
        typer.Option(
            "--to", "--url", envvar="CCFPY_URL", help="A node: https://HOST:PORT."
        ),
    ] = None,
    trust: TrustOptions,
    build: BuildOption = True,
    json: JsonOption = False,
) -> None:
    """Check an app, propose it, vote for it, and wait until it is committed.

    Where more votes are needed than those given with --as, it exits with 1 and names
    the proposal for the others to vote on.
    """
    from ccfpy.client import governance

    place = Place.find(to, trust.common, trust.cacert)
    signers = members.signers(place)
    bundle = checked(app, build=build)

    async def deployed() -> "Deployment":
        async with place.connect() as connection:
            return await governance.deploy(connection, signers, bundle.action())

    done = asyncio.run(deployed())
    _show(done, bundle, place.url, as_json=json)
    raise typer.Exit(ExitCode.OK if done.is_installed else ExitCode.FAILED)


def _show(done: "Deployment", bundle: Bundle, url: str, *, as_json: bool) -> None:
    status = done.status
    endpoints = [
        (verb.upper(), f"{url}/app{path}") for path, verb, _ in bundle.endpoints()
    ]
    if as_json:
        print_json(
            {
                "proposalId": status.proposal_id,
                "proposalState": status.state,
                "transaction": None if status.txid is None else str(status.txid),
                "endpoints": [{"method": m, "url": u} for m, u in endpoints],
            }
        )
    elif done.is_installed:
        note(f"installed, committed in {status.txid}")
        width = max((len(method) for method, _ in endpoints), default=0)
        for method, target in endpoints:
            print_line(f"{method:<{width}} {target}")
    if not done.is_installed:
        count = status.ballot_count
        note(
            f"proposal {status.proposal_id} is {status.state} after {count} "
            f"ballot{'' if count == 1 else 's'}: the app is installed once enough "
            f"members vote for it, with ccfpy gov vote {status.proposal_id}"
        )
