"""The facts that an attack knows of its target."""

from pathlib import Path

from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.lab.attacks.attack import Attack, Family, Target
from tests.lab.attacks.bounds import ANSWER_MAX_S, Spend


def test_a_target_knows_where_its_primary_answers(tmp_path: Path) -> None:
    options = ServiceOptions(
        workspace=tmp_path, app="logging", constitution=[], program=["none"]
    )
    node = NodeProcess(options, 0, Placement())
    node.address, node.http2_url = "127.0.0.1:1", "https://127.0.0.1:2"
    target = Target(network=ProcessNetwork(options), primary=node, folder=tmp_path)
    assert target.address == "127.0.0.1:1"
    assert target.http2_address == "127.0.0.1:2"
    assert target.keys("user0").folder == options.shared


def test_an_attack_has_the_common_bounds_unless_it_says_otherwise() -> None:
    async def nothing(_: Target, __: Spend) -> tuple[str, ...]:
        return ()

    attack = Attack(name="x", family=Family.TLS, about="does nothing", perform=nothing)
    assert attack.bounds.answer_max_s == ANSWER_MAX_S
    assert attack.bounds.memory_peak_growth_max_bytes is None
