"""``ccfpy emulate``: services of others, emulated on this machine."""

from ccfpy.cli.entries import Command, Entry, Table


def _acl() -> Command:
    from ccfpy.cli.emulate_acl import acl

    return acl


emulate: Table = {
    "acl": Entry("Emulate Azure Confidential Ledger, for its own clients.", _acl),
}
