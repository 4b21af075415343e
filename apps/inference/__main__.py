"""The command of a model's owner and of its users: ``python -m apps.inference``.

Nothing is sealed to an enclave before its evidence is what a policy's file or the
options say: what was measured, what the host started, on which firmware; on simulated
machines also who signed it and who made the machine. ``--allow-virtual`` takes a claim
that anybody could write, for trying things out.
"""

import argparse
import asyncio
import json
import secrets
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from apps.inference import files
from apps.inference.client import InferenceClient, registration, unlock, upload
from apps.inference.models import CONTENT_KEY_BYTES
from ccfpy.app import Json, Malformed, VerificationFailed, seal_blob
from ccfpy.client.attested import Expected, SnpPolicy
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError
from ccfpy.client.evidence_policy import read_policy, whole
from ccfpy.client.keys import (
    SERVICE_CERTIFICATE,
    FileSigner,
    KeyFileMissing,
    KeyFiles,
    KeyUnusable,
    NotAName,
)
from ccfpy.client.receipts import fetch_proof

IV_BYTES = 12
FAILED = 1
REFUSALS = (
    ClientError,
    KeyFileMissing,
    KeyUnusable,
    Malformed,
    NotAName,
    VerificationFailed,
)


def main(argv: Sequence[str]) -> int:
    """Do what the command line says; give the exit code."""
    options = _parser().parse_args(argv)
    try:
        told = options.do(options)
    except REFUSALS as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    if told is not None:
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m apps.inference", allow_abbrev=False
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, do: object, told: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=told, description=told)
        made.set_defaults(do=do)
        return made

    registering = command(
        "register", _register, "Write the proposal that registers a model."
    )
    _add_model(registering)
    registering.add_argument("file", type=Path, help="The model.")
    registering.add_argument("--owner", default="user0", help="Who brings it.")
    registering.add_argument("--access", choices=("users", "anybody"))
    registering.add_argument("--encrypt", type=Path, help="Write it here, encrypted.")
    registering.add_argument("--key", type=Path, help="Where its new key is written.")
    registering.add_argument("--out", type=Path, required=True, help="The proposal.")
    _add_place(registering)

    bringing = command("upload", _upload, "Bring a registered model.")
    _add_model(bringing)
    bringing.add_argument("file", type=Path, help="The model, or it encrypted.")
    _add_place(bringing)

    unlocking = command("unlock", _unlock, "Give an enclave a model's key.")
    _add_model(unlocking)
    unlocking.add_argument("--key", type=Path, required=True)
    _add_place(unlocking)
    _add_expected(unlocking)

    listing = command("models", _models, "List the models.")
    _add_place(listing)

    scoring = command("score", _score, "Ask a model.")
    _add_model(scoring, is_version_needed=False)
    scoring.add_argument("file", type=Path, help="The inputs: .npz, or JSON.")
    scoring.add_argument("--output", action="append", help="One to have, or else all.")
    scoring.add_argument("--model-sha256", action="append", help="A model to ask.")
    scoring.add_argument("--record", type=Path, help="Where to put a proof.")
    _add_place(scoring)
    _add_expected(scoring)

    proving = command("prove", _prove, "Check a proof's record; show what was asked.")
    proving.add_argument("folder", type=Path)
    return parser


def _add_model(
    parser: argparse.ArgumentParser, *, is_version_needed: bool = True
) -> None:
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", type=int, required=is_version_needed)


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", default="https://127.0.0.1:8000")
    parser.add_argument(
        "--common",
        type=Path,
        default=Path("workspace/sandbox_common"),
        help="The folder with keys and the service's certificate.",
    )
    parser.add_argument("--as", dest="user", default="user0", help="Who asks.")


def _add_expected(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what the enclave's evidence must say")
    group.add_argument("--policy", type=Path, help="A file that says it all.")
    group.add_argument("--measurement", type=_hex, action="append", help="On SEV-SNP.")
    group.add_argument("--host-data", type=_hex, action="append")
    group.add_argument(
        "--minimum-tcb", type=_minimum_tcb, action="append", metavar="CPUID=TCB"
    )
    group.add_argument("--vendor", type=_hex, action="append", help="If simulated.")
    group.add_argument("--signer", type=_hex, action="append")
    group.add_argument("--product-id", type=int)
    group.add_argument("--security-version", type=int)
    group.add_argument("--unique-id", type=_hex, action="append")
    group.add_argument("--allow-debug", action="store_true")
    group.add_argument("--allow-virtual", action="store_true")


def _hex(text: str) -> bytes:
    return bytes.fromhex(text)


def _minimum_tcb(text: str) -> tuple[str, str]:
    cpuid, _, version = text.partition("=")
    return cpuid, version


_IN_A_POLICY = (
    *("measurement", "host_data", "minimum_tcb", "vendor", "signer"),
    *("product_id", "security_version", "unique_id"),
)
"""The options that a policy's file says in their place."""


def _expected(options: argparse.Namespace) -> Expected:
    """Return what the options demand.

    Raises:
        Unusable: they demand nothing, or the same thing twice.
        Malformed: what they demand is none.
    """
    if options.policy is None:
        expected = _of_options(options)
    else:
        twice = [name for name in _IN_A_POLICY if getattr(options, name) is not None]
        if twice:
            option = twice[0].replace("_", "-")
            raise files.Unusable(f"--policy says it all; leave out --{option}")
        expected = read_policy(files.read(options.policy))
    if expected.takes_nothing and not options.allow_virtual:
        raise files.Unusable(
            "nothing says what the enclave's evidence must be; name a policy "
            "(--policy FILE), or --measurement, --host-data and --minimum-tcb, or on "
            "a simulated machine --vendor and --signer"
        )
    return replace(
        expected,
        allows_debug=options.allow_debug,
        allows_virtual=options.allow_virtual,
    )


def _of_options(options: argparse.Namespace) -> Expected:
    snp = None
    if options.measurement or options.minimum_tcb:
        snp = whole(
            SnpPolicy(
                measurements=options.measurement or (),
                host_data=options.host_data or (),
                minimum_tcb=dict(options.minimum_tcb or ()),
            )
        )
    return Expected(
        snp=snp,
        vendor_ids=options.vendor or (),
        signer_ids=options.signer or (),
        product_id=options.product_id,
        security_version=options.security_version or 0,
        unique_ids=options.unique_id,
        host_data=options.host_data,
    )


def _connection(options: argparse.Namespace) -> Connection:
    return Connection.of_folder(
        options.url,
        options.common,
        name=options.user,
        service=options.common / SERVICE_CERTIFICATE,
    )


def _register(options: argparse.Namespace) -> Json:
    content = files.read(options.file)
    encrypted = None
    if (options.encrypt is None) != (options.key is None):
        raise files.Unusable("--encrypt and --key go together")
    if options.encrypt is not None:
        content_key = secrets.token_bytes(CONTENT_KEY_BYTES)
        # The key is new, so any IV has not been used with it.
        encrypted = seal_blob(content_key, content, iv=bytes(IV_BYTES))
        options.encrypt.write_bytes(encrypted)
        options.key.touch(mode=0o600)
        options.key.write_bytes(content_key)
    owner = FileSigner.load(KeyFiles(folder=options.common, name=options.owner))
    action = registration(
        content,
        name=options.name,
        version=options.version,
        uploader=owner.certificate.digest_hex,
        encrypted=encrypted,
        access=options.access,
    )
    options.out.write_text(json.dumps({"actions": [action]}, indent=2) + "\n")
    return None


def _upload(options: argparse.Namespace) -> Json:
    async def work() -> None:
        async with _connection(options) as service:
            await upload(
                service, options.name, options.version, files.read(options.file)
            )

    asyncio.run(work())
    return None


def _unlock(options: argparse.Namespace) -> Json:
    expected = _expected(options)

    async def work() -> None:
        async with _connection(options) as service:
            await unlock(
                service,
                options.name,
                options.version,
                files.read(options.key),
                expected,
            )

    asyncio.run(work())
    return None


def _models(options: argparse.Namespace) -> Json:
    async def work() -> Json:
        async with _connection(options) as service:
            return (await service.get("/app/models")).object()["models"]

    return asyncio.run(work())


def _score(options: argparse.Namespace) -> Json:
    inputs = files.read_tensors(options.file)
    expected = _expected(options)

    async def work() -> Json:
        async with _connection(options) as service:
            client = InferenceClient(
                service,
                options.name,
                expected,
                version=options.version,
                digests=options.model_sha256,
            )
            ask = client.score if options.record is None else client.record
            scores = await ask(inputs, outputs=options.output)
            if scores.proof is not None:
                txid = scores.proof.txid
                await service.wait_committed(txid)
                receipt = await fetch_proof(service, txid)
                files.save_proof(options.record, scores.proof, receipt)
            return {
                "model_version": scores.model_version,
                "model_sha256": scores.model_sha256,
                "outputs": files.shown(scores.outputs),
            }

    return asyncio.run(work())


def _prove(options: argparse.Namespace) -> Json:
    proved = files.check_proof(options.folder)
    return {
        "model_sha256": proved.record.model,
        "inputs": files.shown(proved.question.tensors),
        "outputs": files.shown(proved.answer.tensors),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
