"""``ccfpy gov``: what members of a service do, signed with their keys."""

from ccfpy.cli.entries import Command, Entry, Table


def _propose() -> Command:
    from ccfpy.cli.gov_proposals import propose

    return propose


def _vote() -> Command:
    from ccfpy.cli.gov_proposals import vote

    return vote


def _withdraw() -> Command:
    from ccfpy.cli.gov_proposals import withdraw

    return withdraw


def _ack() -> Command:
    from ccfpy.cli.gov_proposals import ack

    return ack


def _show() -> Command:
    from ccfpy.cli.gov_show import show

    return show


def _list_proposals() -> Command:
    from ccfpy.cli.gov_show import list_proposals

    return list_proposals


def _actions() -> Command:
    from ccfpy.cli.gov_show import actions

    return actions


def _status() -> Command:
    from ccfpy.cli.gov_status import status

    return status


def _share() -> Command:
    from ccfpy.cli.gov_keys import share

    return share


def _reshare() -> Command:
    from ccfpy.cli.gov_keys import reshare

    return reshare


def _rotate() -> Command:
    from ccfpy.cli.gov_keys import rotate

    return rotate


def _prepare() -> Command:
    from ccfpy.cli.gov_detached import prepare

    return prepare


def _finish() -> Command:
    from ccfpy.cli.gov_detached import finish

    return finish


def _sign() -> Command:
    from ccfpy.cli.gov_detached import sign

    return sign


def _send() -> Command:
    from ccfpy.cli.gov_detached import send

    return send


gov: Table = {
    "propose": Entry("Propose to change the service.", _propose),
    "vote": Entry("Vote for a proposal, or against it, or as a script decides.", _vote),
    "withdraw": Entry("Withdraw a proposal that the same member made.", _withdraw),
    "ack": Entry(
        "Acknowledge the state of the service, which makes a member active.", _ack
    ),
    "show": Entry(
        "Show a proposal: its actions, who has voted, what would come of it.", _show
    ),
    "list": Entry("List the proposals that the service knows.", _list_proposals),
    "actions": Entry(
        "List the actions that members may propose, with each action's arguments.",
        _actions,
    ),
    "status": Entry(
        "Show how a service is governed, and how long each certificate is valid.",
        _status,
    ),
    "share": Entry(
        "Hand in a member's recovery share, to bring a lost service back.", _share
    ),
    "reshare": Entry(
        "Issue new recovery shares, which makes earlier shares worthless.", _reshare
    ),
    "rotate": Entry(
        "Replace a member's keys: files, proposals, votes, acknowledgement.", _rotate
    ),
    "prepare": Entry(
        "Print the digest that a member's key is to sign, as CCF's tool does.", _prepare
    ),
    "finish": Entry(
        "Print the message whose prepared digest was signed: binary, for ``gov send``.",
        _finish,
    ),
    "sign": Entry(
        "Sign a message and print it, without a service: binary, for ``gov send``.",
        _sign,
    ),
    "send": Entry(
        "Hand a signed message in, and print what the service answers.", _send
    ),
}
