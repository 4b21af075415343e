"""A service in a test's own process, for whoever tests an application.

``Service.open`` begins one as its members would, and gives callers to speak to it as;
``ccfpy.testing.plugin`` makes pytest fixtures of them. See
``docs/howto/test-an-app.md``.
"""

from ccfpy.testing.apps.answers import Answer
from ccfpy.testing.apps.callers import Caller, MemberCaller
from ccfpy.testing.apps.ledgers import Ledger, Write
from ccfpy.testing.apps.loading import AppSource, ConstitutionSource
from ccfpy.testing.apps.service import NotAccepted, NotOpened, Options, Service
from ccfpy.testing.apps.tokens import Issuer

__all__ = [
    "Answer",
    "AppSource",
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
