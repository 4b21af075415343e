"""Puts a node together from its parts: the one place that chooses them."""

import os
import sys

from ccfpy.base.app_threads import AppThreads
from ccfpy.base.ports import Entropy, Memory, Platform
from ccfpy.enclave.application import ApplicationNotLoaded, load_application
from ccfpy.enclave.bundles import FoundApplication, check_measured, find
from ccfpy.enclave.platforms.choice import OVERRIDE, PlatformKind, chosen
from ccfpy.enclave.platforms.simulated import SimulatedPlatform
from ccfpy.enclave.platforms.snp import SnpGuest, is_present
from ccfpy.enclave.platforms.virtual import PlatformFile
from ccfpy.enclave.ports import SystemClock, SystemEntropy, SystemMemory
from ccfpy.node.node import Node


def build_node(
    app: str, *, memory: Memory | None = None, threads: AppThreads | None = None
) -> Node:
    """Build a node that serves an application, on the operating system's ports.

    A signed application is measured before any of it runs. All files are read here: a
    process that is closed later opens none.

    Args:
        app: names the application.
        memory: the process's meter, if it has one already.
        threads: run the application's code; without them its calls have no limits.

    Raises:
        ApplicationNotLoaded: there is no such application, it differs from the signed
            one, or it is unsigned and the platform requires a signature.
        ConfigurationRefused: the platform is not available.
    """
    entropy = SystemEntropy()
    found = find(app)
    if found.manifest is not None:
        check_measured(found)
    platform = _platform(found, entropy)
    before = frozenset(sys.modules)
    application = load_application(str(found.path))
    if found.manifest is not None:
        # Loaded for what is signed alone, as in `bundles`.
        from ccfpy.enclave.bundles import check_loaded  # noqa: PLC0415

        check_loaded(found, before=before)
    return Node(
        app=application,
        entropy=entropy,
        clock=SystemClock(),
        memory=SystemMemory() if memory is None else memory,
        platform=platform,
        threads=threads,
    )


def _platform(found: FoundApplication, entropy: Entropy) -> Platform:
    kind = chosen(os.environ, is_guest=is_present())
    if kind is PlatformKind.SNP:
        return SnpGuest.open()
    if kind is PlatformKind.VIRTUAL:
        virtual = PlatformFile.usual(os.environ, entropy)
        virtual.load()
        return virtual
    if found.manifest is None:
        raise ApplicationNotLoaded(
            f"the application {found.path.name!r} is not signed, and {OVERRIDE} is "
            "Simulated; sign it with ccfpy enclave sign and name the .enclave file"
        )
    return SimulatedPlatform.usual(os.environ, found.manifest.identity)
