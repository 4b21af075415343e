"""``ccfpy app deploy``: an app into a running service, by its members' votes."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from ccfpy.cli.app_bundle import AppArgument, BuildOption, checked
from ccfpy.cli.errors import ExitCode
from ccfpy.cli.options import with_options
from ccfpy.cli.output import note, print_json, print_line
from ccfpy.cli.place import JsonOption, Place, TrustOptions
from ccfpy.cli.signing import SignersOptions
from ccfpy.client.bundle import Bundle

if TYPE_CHECKING:
    from ccfpy.client.governance import Deployment


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
