"""A service in a test's own process, for tests of an application.

``Service.open`` opens a service by its members' votes and has callers that speak to it.
``ccfpy.testing.plugin`` makes pytest fixtures of both. See
``docs/howto/test-an-app.md``.
"""

from ccfpy.testing.apps.callers import Answer, Caller, Issuer, MemberCaller
from ccfpy.testing.apps.ledgers import Ledger, Write
from ccfpy.testing.apps.loading import AppSource, ConstitutionSource
from ccfpy.testing.apps.service import NotAccepted, NotOpened, Options, Service
from ccfpy.testing.machines import AttestedMachine

__all__ = [
    "Answer",
    "AppSource",
    "AttestedMachine",
    "Caller",
    "ConstitutionSource",
    "Issuer",
    "Ledger",
    "MemberCaller",
    "NotAccepted",
    "NotOpened",
    "Options",
    "Service",
    "Write",
]
