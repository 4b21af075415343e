"""Ids by their beginnings: ``ea59`` for a proposal, a node, a member or a user."""

from collections.abc import Collection

from ccfpy.client.errors import ClientError

ID_CHARACTERS = 64
"""Characters of a whole id: SHA-256 in hexadecimal digits."""
SHOWN_CHARACTERS = 8
LISTED_MAX = 10


class NotOneId(ClientError):
    """The beginning fits no id, or several; the text lists what fits."""


def whole_id(kind: str, beginning: str, known: Collection[str]) -> str:
    """Return the id that begins so.

    Args:
        kind: what the ids are of, such as ``proposal``.
        beginning: of one id, in any case; or a whole id, known or not.
        known: the ids that there are.

    Raises:
        NotOneId: no id begins so, or several do.
    """
    wanted = beginning.lower()
    if len(wanted) == ID_CHARACTERS:
        return wanted
    fitting = sorted(each for each in known if each.startswith(wanted))
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise NotOneId(
            f"{beginning!r} fits {len(fitting)} {kind}s, {_listed(fitting)}: "
            "say more of the id"
        )
    if not known:
        raise NotOneId(f"no {kind} begins with {beginning!r}: there is none at all")
    raise NotOneId(
        f"no {kind} begins with {beginning!r}: there is {_listed(sorted(known))}"
    )


def _listed(ids: Collection[str]) -> str:
    """Name ids by as many characters as tell them apart."""
    count = next(
        count
        for count in range(SHOWN_CHARACTERS, ID_CHARACTERS + 1)
        if len({each[:count] for each in ids}) == len(ids)
    )
    shown = [each[:count] for each in list(ids)[:LISTED_MAX]]
    if len(ids) > LISTED_MAX:
        shown.append(f"{len(ids) - LISTED_MAX} more")
    return ", ".join(shown[:-1]) + (" and " if len(shown) > 1 else "") + shown[-1]
