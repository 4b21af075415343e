"""The configuration of simulated nodes follows from few parameters."""

from ccfpy.boundary.configuration import CommandType, InterfaceAuthority
from ccfpy.testing.configuration import (
    START_UNIX_US,
    Person,
    boot_of,
    listener,
    starting,
)


def test_a_node_is_told_to_start_a_service_of_these_members() -> None:
    member = Person.make("amy").founding()
    configuration = starting(
        constitution="c", members=[member], interfaces=[listener(port=1)]
    )
    assert configuration.command is CommandType.START
    assert configuration.start is not None
    assert configuration.start.members == (member,)
    assert configuration.rpc_interfaces[0].published_address == "127.0.0.1:1"
    assert configuration.rpc_interfaces[0].authority is InterfaceAuthority.SERVICE


def test_both_clocks_say_when_a_node_boots() -> None:
    configuration = starting(constitution="", members=[], interfaces=[])
    boot = boot_of(configuration, now_ms=5)
    assert boot.monotonic_ms == 5
    assert boot.unix_us == START_UNIX_US + 5000
