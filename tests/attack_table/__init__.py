"""The attacks, part by part, each with the defence that stops it.

Each file has the parts of one kind of attacker.
"""

from collections.abc import Mapping

from tests.attack_table import clients, code, hosts, members

PARTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    **hosts.PARTS,
    **members.PARTS,
    **clients.PARTS,
    **code.PARTS,
}
"""By a short name: the title of a part, and its attacks with the defence of each."""
