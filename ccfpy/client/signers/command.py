"""Keys that another program uses for us: a vault's own tool, or a line of shell.

The contract with a command, which ``/bin/sh`` runs:

* **To sign**, its stdin is the digest that the certificate's key signs, as bytes; or
  all that is to be signed, for programs that hash. The environment has the digest in
  base64 (``CCFPY_DIGEST_BASE64``), ``CCFPY_ALGORITHM`` (``ES256``, ``ES384``,
  ``ES512``) and ``CCFPY_HASH`` (``sha256``, …). Its stdout is the signature, in the
  form that was agreed.
* **To decrypt**, its stdin is what the service encrypted, which is in base64 in
  ``CCFPY_CIPHERTEXT_BASE64`` too; ``CCFPY_ALGORITHM`` is ``RSA-OAEP-256``. Its stdout
  is the share, as bytes or in base64.

It exits with 0. What it says to stderr goes where ours goes, and it may ask on the
terminal. A signature is checked against the certificate before it is used; a share is
checked by the service alone.
"""

import asyncio
import base64
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from ccfpy.base.errors import Malformed
from ccfpy.client.keys import KeyUnusable
from ccfpy.client.signers.detached import (
    ALGORITHMS,
    digest_of,
    hash_name,
    read_base64,
    read_signature,
)
from ccfpy.client.vocabulary import SignatureForm, SignInput
from ccfpy.crypto.certs import Certificate

SHELL = "/bin/sh"
TIMEOUT_S = 120.0
"""Enough for somebody to touch a key or to type a password."""
OUTPUT_BYTES_MAX = 16 * 1024
"""Far more than any signature or share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSigner:
    """A key that a command signs with.

    Attributes:
        certificate: whose key it is.
        command: the line of shell.
        form: in which it gives signatures.
        takes: what it takes.
        timeout_s: for one signature.
    """

    certificate: Certificate
    command: str
    form: SignatureForm = SignatureForm.DER
    takes: SignInput = SignInput.DIGEST
    timeout_s: float = TIMEOUT_S

    async def sign(self, to_be_signed: bytes) -> bytes:
        """Sign; raises as ``Signer.sign``."""
        key = self.certificate.public_key
        digest = digest_of(key, to_be_signed)
        given = await _run(
            self.command,
            digest if self.takes is SignInput.DIGEST else to_be_signed,
            variables={
                "CCFPY_ALGORITHM": ALGORITHMS[key.curve],
                "CCFPY_HASH": hash_name(key),
                "CCFPY_DIGEST_BASE64": base64.b64encode(digest).decode(),
            },
            timeout_s=self.timeout_s,
        )
        return read_signature(
            given, self.form, certificate=self.certificate, to_be_signed=to_be_signed
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandDecrypter:
    """A key that a command decrypts with.

    Attributes:
        command: the line of shell.
        gives_base64: whether it prints base64, not bytes.
        timeout_s: for one share.
    """

    command: str
    gives_base64: bool = False
    timeout_s: float = TIMEOUT_S

    async def decrypt(self, wrapped: bytes) -> bytes:
        """Decrypt; raises ``KeyUnusable``."""
        given = await _run(
            self.command,
            wrapped,
            variables={
                "CCFPY_ALGORITHM": "RSA-OAEP-256",
                "CCFPY_CIPHERTEXT_BASE64": base64.b64encode(wrapped).decode(),
            },
            timeout_s=self.timeout_s,
        )
        if not self.gives_base64:
            return given
        try:
            return read_base64(given)
        except Malformed as error:
            # The text may be the share itself, and is not shown.
            raise KeyUnusable(
                f"{self.command!r} was to print a share in base64, and printed "
                "something else"
            ) from error


async def _run(
    command: str, data: bytes, *, variables: Mapping[str, str], timeout_s: float
) -> bytes:
    """Run a command to its end; give what it printed."""
    code, output = await asyncio.to_thread(_talk, command, data, variables, timeout_s)
    if code != 0:
        raise KeyUnusable(
            f"{command!r} ended with {code}: see what it says above, or try it in a "
            "shell"
        )
    if not output:
        raise KeyUnusable(f"{command!r} printed nothing on its stdout")
    if len(output) > OUTPUT_BYTES_MAX:
        raise KeyUnusable(
            f"{command!r} printed {len(output)} bytes: it must print a signature or a "
            "share alone"
        )
    return output


def _talk(
    command: str, data: bytes, variables: Mapping[str, str], timeout_s: float
) -> tuple[int, bytes]:
    # It stays in our session, so that it can ask on the terminal. If it is given up,
    # what it started may live on with our pipes: they are closed, and not waited for.
    try:
        with subprocess.Popen(  # noqa: S603  # the caller's own line
            [SHELL, "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **variables},
        ) as process:
            try:
                output, _ = process.communicate(data, timeout=timeout_s)
            except subprocess.TimeoutExpired as error:
                process.kill()
                raise KeyUnusable(
                    f"{command!r} took longer than {timeout_s:g} s"
                ) from error
            return process.returncode, output
    except OSError as error:
        raise KeyUnusable(f"cannot start {SHELL}: {error.strerror}") from error
