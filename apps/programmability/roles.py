"""Roles that governance defines: each is a set of actions, and users have roles."""

from ccfpy.app import Context, Set, UserId, json_codec, user_data

ACTION = json_codec(str)
"""What the keys of a role are, such as ``/content/read``."""


def has_role_permitting(ctx: Context, user_id: UserId, action: str) -> bool:
    """Return whether a user has a role whose actions include this one."""
    data = user_data(ctx.tx, user_id)
    roles = data.get("roles") if isinstance(data, dict) else None
    if not isinstance(roles, list):
        return False
    return any(
        Set(f"public:programmability.roles.{role}", ACTION).of(ctx.tx).contains(action)
        for role in roles
    )
