"""``ccfpy keygen``, and CCF's ``keygenerator.sh``: keys of members and users."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccfpy.base.errors import CcfpyError
from ccfpy.cli.errors import Misused
from ccfpy.cli.output import print_json, print_line

if TYPE_CHECKING:
    from ccfpy.client.keys import KeyFiles


def keygen(
    *,
    name: Annotated[
        str, typer.Option("--name", "-n", help="Whose keys: member0, user1, …")
    ],
    curve: Annotated[
        str, typer.Option("--curve", "-c", help="secp384r1 or secp256r1.")
    ] = "secp384r1",
    gen_enc_key: Annotated[
        bool,
        typer.Option(
            "--gen-enc-key", "-g", help="An encryption key too, for recovery shares."
        ),
    ] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder.")] = Path(),
    force: Annotated[
        bool, typer.Option("--force", help="Replace keys that are there.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False,
) -> None:
    """Make the keys of a member or a user.

    A private key and a certificate, and for members an encryption key.
    """
    from ccfpy.client.keys import CURVES, KeyFiles, generate_keys

    files = KeyFiles(folder=out, name=name)
    _require_curve(curve)
    if files.private_key.exists() and not force:
        raise Misused(f"{files.private_key} is there already: --force replaces it")
    certificate = generate_keys(
        files, curve=CURVES[curve], with_encryption_key=gen_enc_key
    )
    made = _made(files, with_encryption_key=gen_enc_key)
    if json:
        print_json({"id": certificate.digest_hex, "files": [str(p) for p in made]})
        return
    print_line(f"{name} is {certificate.digest_hex}")
    for path in made:
        print_line(str(path))


def generate(argv: Sequence[str]) -> int:
    """Act as ``keygenerator.sh``: its options and words; keys are replaced silently."""
    from ccfpy.client.keys import CURVES, KeyFiles, generate_keys

    parser = argparse.ArgumentParser(
        prog="keygenerator.sh",
        description="Make the identity of a participant, and on demand a key for its "
        "recovery shares, as files in the working folder.",
    )
    parser.add_argument("-n", "--name", default="")
    parser.add_argument("-c", "--curve", default="secp384r1")
    parser.add_argument("-g", "--gen-enc-key", action="store_true")
    options = parser.parse_args(argv)
    if not options.name:
        print_line("Error: give the name of the participant: --name member0")
        return 1
    try:
        _require_curve(options.curve)
        files = KeyFiles(folder=Path(), name=options.name)
        generate_keys(
            files,
            curve=CURVES[options.curve],
            with_encryption_key=options.gen_enc_key,
        )
    except CcfpyError as error:
        print_line(f"Error: {error}")
        return 1
    for path in _made(files, with_encryption_key=options.gen_enc_key):
        print_line(f"Generated {path}")
    return 0


def _require_curve(curve: str) -> None:
    from ccfpy.client.keys import CURVES

    if curve not in CURVES:
        raise Misused(f"no curve {curve!r}: choose {' or '.join(CURVES)}")


def _made(files: "KeyFiles", *, with_encryption_key: bool) -> list[Path]:
    made = [files.private_key, files.certificate]
    if with_encryption_key:
        made += [files.encryption_private_key, files.encryption_public_key]
    return made
