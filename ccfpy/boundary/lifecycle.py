"""The four stages of an enclave's life, and the steps between them.

An enclave goes through them once. What comes after ``DESTROYED`` is another enclave,
whatever it was sealed by the one before: nothing is started again.
"""

from collections.abc import Mapping
from enum import StrEnum

from ccfpy.base.errors import CcfpyError


class EnclaveStage(StrEnum):
    """Where an enclave is in its life."""

    CREATED = "created"
    """There is something to start; it holds nothing."""
    INITIALIZED = "initialized"
    """Its code is loaded, and is what it was said to be; it can be told from others."""
    RUNNING = "running"
    """It takes what the host sends."""
    DESTROYED = "destroyed"
    """It is gone, as it was asked to or not, with all that it did not seal."""


MOVES: Mapping[EnclaveStage, frozenset[EnclaveStage]] = {
    EnclaveStage.CREATED: frozenset({EnclaveStage.INITIALIZED, EnclaveStage.DESTROYED}),
    EnclaveStage.INITIALIZED: frozenset({EnclaveStage.RUNNING, EnclaveStage.DESTROYED}),
    EnclaveStage.RUNNING: frozenset({EnclaveStage.DESTROYED}),
    EnclaveStage.DESTROYED: frozenset(),
}
"""The stages that may follow each."""


class WrongStage(CcfpyError):
    """Something was asked of an enclave that is not at the stage for it."""


class Lifecycle:
    """One enclave's way through the stages."""

    def __init__(self) -> None:
        self._stage = EnclaveStage.CREATED

    @property
    def stage(self) -> EnclaveStage:
        """Where it is."""
        return self._stage

    def move(self, to: EnclaveStage) -> None:
        """Go on to a stage.

        Raises:
            WrongStage: it does not follow this one.
        """
        if to not in MOVES[self._stage]:
            raise WrongStage(
                f"an enclave that is {self._stage} does not become {to}; create another"
            )
        self._stage = to

    def end(self) -> None:
        """Be destroyed, from whatever stage; once is enough."""
        self._stage = EnclaveStage.DESTROYED

    def require(self, *stages: EnclaveStage) -> None:
        """Go no further unless it is at one of some stages.

        Raises:
            WrongStage: it is not.
        """
        if self._stage not in stages:
            raise WrongStage(f"the enclave is {self._stage}, not {' or '.join(stages)}")
