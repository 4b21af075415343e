"""Every endpoint of the classic API, each with CCF 6's description of it.

All are deprecated, as in CCF 6. Reads are open to anybody, except a member's own share.
Writes go to the primary, and so do reads of shares and of token keys.
"""

from ccfpy.endpoints.registry import Registry
from ccfpy.gov.classic import (
    member_endpoints,
    proposal_endpoints,
)
from ccfpy.gov.classic.endpoints import Row, reader_of
from ccfpy.gov.operations import GovernanceNode
from ccfpy.kv.maps import Value
from ccfpy.service.served_tables import path_of, served_tables

ROWS: tuple[Row, ...] = (
    *(row for module in (proposal_endpoints, member_endpoints) for row in module.ROWS),
    *(
        Row(
            path=path_of(table),
            handler=reader_of(table),
            gives=shape,
            may_be_nothing=isinstance(table, Value),
        )
        for table, shape in served_tables()
    ),
)


def add_classic_endpoints(registry: Registry, node: GovernanceNode) -> None:
    """Add every endpoint of the classic API, for ``node``."""
    for row in ROWS:
        registry.add(row.endpoint(node))
