"""``ccfpy enclave``: code measured and signed, and simulated machines to run it on."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

import typer

from ccfpy.base import json as json_text
from ccfpy.base.errors import CcfpyError
from ccfpy.base.json import JsonObject
from ccfpy.base.limits import ENCLAVE_NUMBER_MAX
from ccfpy.cli import completion
from ccfpy.cli.entries import Entry, Table
from ccfpy.cli.errors import CommandFailed, Misused, no_such_file
from ccfpy.cli.output import print_json, print_line
from ccfpy.cli.terminal import table_console

if TYPE_CHECKING:
    from ccfpy.attestation.manifest import Bundle, Manifest
    from ccfpy.crypto.ec import KeyPair
    from ccfpy.enclave.bundles import FoundApplication


Result = TypeVar("Result")

AppArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="APP",
        help="A Python file or package, or a sample.",
        autocompletion=completion.apps,
    ),
]
PackageOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(help="An installed package that the app uses beyond ccfpy's own."),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON value.")
]


def sign(  # noqa: PLR0913  # one parameter for each option
    app: AppArgument,
    *,
    key: Annotated[Path, typer.Option(help="The signer's private key, PEM.")],
    product_id: Annotated[
        int,
        typer.Option(
            min=0, max=ENCLAVE_NUMBER_MAX, help="Which of your products it is."
        ),
    ] = 1,
    security_version: Annotated[
        int,
        typer.Option(
            min=0,
            max=ENCLAVE_NUMBER_MAX,
            help="Raise it when older ones are not to be trusted any more.",
        ),
    ] = 1,
    debug: Annotated[
        bool, typer.Option("--debug", help="Mark a build that may be looked into.")
    ] = False,
    configuration: Annotated[
        Path | None,
        typer.Option(help="A JSON object that is bound into the enclave."),
    ] = None,
    package: PackageOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The file; APP.enclave if not said."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Vouch for an application and all that it runs on, by a file beside it."""
    from ccfpy.attestation.manifest import Manifest
    from ccfpy.enclave.bundles import SUFFIX

    found = _unsigned(app)
    place = out or found.path.with_suffix(SUFFIX)
    if place.suffix != SUFFIX:
        raise Misused(f"{place} must end in {SUFFIX}, so that nodes know what it is")
    bundle = _bundle(found, _configuration(configuration), package or ())
    manifest = Manifest.sign(
        bundle,
        _key(key),
        name=found.path.name,
        product_id=product_id,
        security_version=security_version,
        debug=debug,
    )
    place.write_bytes(manifest.raw)
    if json:
        print_json({"file": str(place), **_identity(manifest)})
        return
    print_line(f"{place}: unique id {manifest.identity.unique_id.hex()}")


def measure(
    app: Annotated[
        str,
        typer.Argument(
            metavar="APP|FILE",
            help="An application, or a signed one.",
            autocompletion=completion.apps,
        ),
    ],
    *,
    configuration: Annotated[
        Path | None,
        typer.Option(help="As for sign; a signed one brings its own."),
    ] = None,
    package: PackageOption = None,
    json: JsonOption = False,
) -> None:
    """Measure what would run here; a signed one must be what was signed."""
    found = _found(app)
    if found.manifest is None:
        bundle = _bundle(found, _configuration(configuration), package or ())
    else:
        if configuration is not None or package:
            raise Misused("what is signed brings all that; leave out the options")
        signed = found.manifest.bundle
        bundle = _bundle(found, signed.configuration, signed.dependencies)
    if json:
        print_json(
            {
                "unique_id": bundle.unique_id.hex(),
                "parts": {name: it.hex() for name, it in bundle.parts.items()},
            }
        )
    else:
        _print({"unique id": bundle.unique_id.hex(), **_parts(bundle)})
    if found.manifest is not None:
        _check(bundle, found.manifest)


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What sign wrote.")],
    *,
    json: JsonOption = False,
) -> None:
    """Show who vouches for what in a signed enclave's file; the code is not needed."""
    from ccfpy.enclave.bundles import read_manifest

    try:
        manifest = read_manifest(file)
    except CcfpyError as error:
        raise CommandFailed(str(error)) from error
    bundle = manifest.bundle
    files = {name: digest.hex() for name, digest in sorted(bundle.application.items())}
    if json:
        print_json(
            {
                **_identity(manifest),
                "name": manifest.name,
                "ccfpy": manifest.version,
                "parts": {name: it.hex() for name, it in bundle.parts.items()},
                "files": files,
                "dependencies": dict(bundle.dependencies),
                "configuration": bundle.configuration,
            }
        )
        return
    identity = manifest.identity
    _print(
        {
            "application": manifest.name,
            "unique id": identity.unique_id.hex(),
            "signer id": identity.signer_id.hex(),
            "product": str(identity.product_id),
            "security version": str(identity.security_version),
            "debug": "yes: it keeps no secret" if identity.debug else "no",
            "ccfpy": manifest.version,
            **_parts(bundle),
            **{f"file {name}": digest for name, digest in files.items()},
            **{f"on {name}": text for name, text in bundle.dependencies.items()},
            "bound to": json_text.dumps(bundle.configuration).decode(),
        }
    )


def _unsigned(app: str) -> "FoundApplication":
    found = _found(app)
    if found.manifest is not None:
        raise Misused(f"{app} is signed already: name the application to sign it anew")
    return found


def _found(app: str) -> "FoundApplication":
    from ccfpy.enclave.bundles import find

    return _or_failed(lambda: find(app))


def _bundle(
    found: "FoundApplication", configuration: JsonObject, packages: Iterable[str]
) -> "Bundle":
    from ccfpy.cli.enclave_kind import interface_of
    from ccfpy.enclave.measuring import measure as measured

    return _or_failed(
        lambda: measured(
            found.path,
            interface=interface_of(found.path),
            configuration=configuration,
            packages=packages,
        )
    )


def _or_failed(do: Callable[[], Result]) -> Result:
    try:
        return do()
    except CcfpyError as error:
        raise CommandFailed(str(error)) from error


def _check(bundle: "Bundle", manifest: "Manifest") -> None:
    try:
        bundle.check_same(manifest.bundle)
    except CcfpyError as error:
        raise CommandFailed(
            f"{manifest.name} is not what was signed: {error}; sign it anew, or put "
            "back what was changed"
        ) from error


def _key(file: Path) -> "KeyPair":
    from ccfpy.client.keys import read_text
    from ccfpy.crypto.ec import KeyPair

    try:
        return KeyPair.from_pem(read_text(file))
    except CcfpyError as error:
        raise CommandFailed(
            f"cannot sign with {file}: {error}; make a key with ccfpy keygen"
        ) from error


def _configuration(file: Path | None) -> JsonObject:
    if file is None:
        return {}
    try:
        return json_text.loads_object(file.read_bytes())
    except OSError as error:
        raise no_such_file(str(file), error) from error
    except CcfpyError as error:
        raise CommandFailed(f"{file} is {error}; correct the file") from error


def _identity(manifest: "Manifest") -> JsonObject:
    return manifest.identity.fields()


def _parts(bundle: "Bundle") -> dict[str, str]:
    return {f"part {name}": digest.hex() for name, digest in bundle.parts.items()}


def _print(rows: dict[str, str]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    for name, value in rows.items():
        table.add_row(name, value)
    table_console().print(table)


def _platform() -> Table:
    from ccfpy.cli.enclave_platform import platform

    return platform


enclave: Table = {
    "sign": Entry(
        "Vouch for an application and all that it runs on, by a file beside it.",
        lambda: sign,
    ),
    "measure": Entry(
        "Measure what would run here; a signed one must be what was signed.",
        lambda: measure,
    ),
    "inspect": Entry(
        "Show who vouches for what in a signed enclave's file; the code is not needed.",
        lambda: inspect,
    ),
    "platform": Entry("Make and tend simulated machines and vendors.", _platform),
}
