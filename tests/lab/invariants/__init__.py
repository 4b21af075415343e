"""What must hold of any cluster, at every step: named after the specification.

`safety` needs of a node only its view, its commit and its ledger, and so serves for
whole nodes too; `consensus` looks into `ccfpy.consensus`. Names that end in ``Inv`` or
``Prop`` are those of CCF's ``tla/consensus/ccfraft.tla``; the others are ours.

Of the specification's other invariants, `ElectionSafetyInv` follows from `OneWriter`
and `PermittedLogChangesProp`; `StateTransitionsProp` is asserted by
`ccfpy.consensus.roles` wherever a role changes.
"""

from tests.lab.invariants.violated import Violated

__all__ = ["Violated"]
