"""What kind of enclave an application is: a node's, or one made with the toolkit.

The interface is part of the measurement, so an application's code is loaded to read it:
who signs an application trusts it at least that far.
"""

from pathlib import Path

from ccfpy.base.errors import CcfpyError
from ccfpy.enclave.application import ATTRIBUTE, ApplicationNotLoaded
from ccfpy.enclave.importing import load_attribute
from ccfpy.enclave.measuring import node_interface
from ccfpy.toolkit.enclave import Enclave
from ccfpy.toolkit.enclave.loading import code_of

TOOLKIT_ATTRIBUTE = "enclave"


def interface_of(path: Path) -> bytes:
    """Return the digest of all that the host of an application may call on it.

    Raises:
        ApplicationNotLoaded: the application does not load, or is of neither kind.
    """
    try:
        load_attribute(path, ATTRIBUTE, of=path.name, refuse=_NoSuch)
    except _NoSuch as error:
        no_app = error
    else:
        return node_interface()
    code = code_of(path)
    try:
        found = load_attribute(code, TOOLKIT_ATTRIBUTE, of=path.name, refuse=_NoSuch)
    except _NoSuch as no_enclave:
        refusal = no_app if code == path else no_enclave
        raise ApplicationNotLoaded(str(refusal)) from refusal
    if not isinstance(found, Enclave):
        raise ApplicationNotLoaded(
            f"{path.name} has an {TOOLKIT_ATTRIBUTE!r} that is none; make it with "
            "ccfpy.toolkit.enclave.Enclave"
        )
    return bytes.fromhex(found.definition_digest)


class _NoSuch(CcfpyError):
    """There is no such attribute, or the code fails."""
