"""``ccfpy gov show``, ``list``: proposals, as the service knows them."""

from typing import TYPE_CHECKING

from ccfpy.base.json import JsonObject, dumps
from ccfpy.cli.gov_proposals import ProposalArgument
from ccfpy.cli.gov_run import run
from ccfpy.cli.options import with_options
from ccfpy.cli.output import note, print_json
from ccfpy.cli.place import JsonOption, PlaceOptions

if TYPE_CHECKING:
    from ccfpy.client.connection import Connection


@with_options
def show(
    proposal_id: ProposalArgument,
    *,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """Show a proposal and its actions."""
    from ccfpy.client.governance import read_governance

    place = where.find()

    async def read(connection: "Connection") -> JsonObject:
        path = f"members/proposals/{proposal_id}"
        fields = await read_governance(connection, path)
        actions = await read_governance(connection, f"{path}/actions")
        assert isinstance(fields, dict), "a proposal is an object"
        return fields | (actions if isinstance(actions, dict) else {})

    fields = run(place, read)
    if json:
        print_json(fields)
        return
    for name, value in fields.items():
        print(f"{name}: {value if isinstance(value, str) else dumps(value).decode()}")


@with_options
def list_proposals(
    *,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """List the proposals that the service knows."""
    from ccfpy.client.governance import read_governance

    place = where.find()
    reply = run(place, lambda c: read_governance(c, "members/proposals"))
    values = reply.get("value") if isinstance(reply, dict) else None
    listed = values if isinstance(values, list) else []
    proposals = [value for value in listed if isinstance(value, dict)]
    if json:
        print_json(proposals)
        return
    for fields in proposals:
        print(fields.get("proposalId"), fields.get("proposalState"))
    if not proposals:
        note("there are no proposals")
