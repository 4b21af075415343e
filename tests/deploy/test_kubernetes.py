"""Manifests: Kubernetes accepts them, and they fit each other and the node.

Each test builds every overlay and checks it against Kubernetes' schemas. The tests
assert the facts that schemas cannot know: selectors, paths and ports, and the majority
of nodes.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ccfpy.boundary.configuration import CommandType, InterfaceAuthority
from ccfpy.host.config import (
    ConfigurationFile,
    NodeToNodeSection,
    RpcInterfaceSection,
)
from tests.deploy.templates import configuration, port, share, variables
from tests.deploy.tools import DEPLOY, ROOT, manifests

Object = dict[str, Any]
OVERLAYS = ("none", "sgx", "snp", "snp-kata", "inference")
PARTS = ("", "start")
MADE_BY_OPERATORS = {"ccfpy-service", "ccfpy-members"}
"""Configuration that the how-to tells operators to make: it is the service's own."""
REPLACED_BY_OPERATORS = {"inference": "ccfpy-inference"}
"""The image's name, until an operator names its registry, where it is not ccfpy."""
OPEN_PORTS = {"https", "nodes"}
"""Ports that others may reach; the machine's own agent, which probes, may reach all."""
LABEL = "app.kubernetes.io/name"
COMPONENT = "app.kubernetes.io/component"


@dataclass(frozen=True, slots=True)
class Part:
    """The resources of one kustomization."""

    resources: list[Object]

    def all(self, kind: str) -> list[Object]:
        return [it for it in self.resources if it["kind"] == kind]

    def one(self, kind: str, name: str | None = None) -> Object:
        (found,) = [
            it for it in self.all(kind) if name in (None, it["metadata"]["name"])
        ]
        return found

    @property
    def workload(self) -> Object:
        (found,) = self.all("StatefulSet") + self.all("Job")
        return found

    @property
    def pod(self) -> Object:
        template: Object = self.workload["spec"]["template"]
        return template

    @property
    def container(self) -> Object:
        (only,) = self.pod["spec"]["containers"]
        container: Object = only
        return container

    @property
    def template(self) -> str:
        """Return the configuration's template that the container receives."""
        names = [volume["configMap"]["name"] for volume in self.volumes("configMap")]
        (made,) = [
            it for it in self.all("ConfigMap") if it["metadata"]["name"] in names
        ]
        (text,) = made["data"].values()
        return str(text)

    @property
    def environment(self) -> dict[str, str]:
        """What the container's variables may be."""
        told = {"metadata.name": "ccfpy-0", "metadata.namespace": "ccfpy"}
        return {
            it["name"]: it.get("value")
            or told[it["valueFrom"]["fieldRef"]["fieldPath"]]
            for it in self.container["env"]
        }

    @property
    def configuration(self) -> ConfigurationFile:
        return configuration(self.template, self.environment)

    @property
    def ports(self) -> dict[str, int]:
        return {it["name"]: it["containerPort"] for it in self.container["ports"]}

    def volumes(self, kind: str) -> list[Object]:
        return [it for it in self.pod["spec"]["volumes"] if kind in it]


@cache
def built(overlay: str, part: str) -> Part:
    folder = DEPLOY / "kubernetes/overlays" / overlay / part
    return Part([dict(it) for it in manifests(folder)])


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=PARTS, ids=["nodes", "start"])
def part(request: pytest.FixtureRequest, overlay: str) -> Part:
    """Return the resources of an overlay, checked against Kubernetes' schemas."""
    return built(overlay, request.param)


@pytest.fixture
def nodes() -> Part:
    return built("none", "")


@pytest.fixture
def start() -> Part:
    return built("none", "start")


def _selects(selector: Object, pod: Object) -> bool:
    """Return whether a selector of labels, or of all, fits a pod's template."""
    wanted = selector.get("matchLabels", selector)
    return bool(wanted.items() <= pod["metadata"]["labels"].items())


def test_overlays_are_all_tested() -> None:
    folder = DEPLOY / "kubernetes/overlays"
    assert {path.name for path in folder.iterdir()} == set(OVERLAYS)


def test_all_is_in_one_namespace_and_named_as_ours(part: Part) -> None:
    for resource in part.resources:
        labels = resource["metadata"]["labels"]
        assert labels[LABEL] == "ccfpy", resource["kind"]
        if resource["kind"] != "Namespace":
            assert resource["metadata"]["namespace"] == "ccfpy"


# Who selects whom


def test_services_reach_every_node_and_the_first(nodes: Part, start: Part) -> None:
    services = nodes.all("Service")
    assert len(services) == 2
    for service in services:
        for pod in (nodes.pod, start.pod):
            assert _selects(service["spec"]["selector"], pod)


def test_nodes_have_names_whether_or_not_they_are_ready(nodes: Part) -> None:
    workload = nodes.workload
    service = nodes.one("Service", workload["spec"]["serviceName"])
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True


def test_clients_and_joiners_are_sent_to_who_is_ready(nodes: Part) -> None:
    service = nodes.one("Service", "ccfpy")["spec"]
    assert not service.get("publishNotReadyAddresses", False)
    join = nodes.configuration.command.join
    assert join is not None
    host, _, number = join.target_rpc_address.partition(":")
    assert host == "ccfpy.ccfpy.svc"  # a service's name, and its namespace
    assert int(number) in [it["port"] for it in service["ports"]]


def test_the_set_selects_its_own_pods_and_not_the_first_node(
    nodes: Part, start: Part
) -> None:
    selector = nodes.workload["spec"]["selector"]
    assert _selects(selector, nodes.pod)
    assert not _selects(selector, start.pod)


def test_the_first_node_has_the_name_it_publishes(nodes: Part, start: Part) -> None:
    spec = start.pod["spec"]
    assert spec["subdomain"] == nodes.workload["spec"]["serviceName"]
    assert start.environment["NODE"] == spec["hostname"]


# What holds


def test_draining_machines_leaves_a_majority(nodes: Part) -> None:
    budget = nodes.one("PodDisruptionBudget")["spec"]
    replicas = nodes.workload["spec"]["replicas"]
    assert replicas % 2 == 1
    assert _selects(budget["selector"], nodes.pod)
    assert replicas - budget["maxUnavailable"] > replicas // 2


def test_no_machine_has_two_nodes(part: Part) -> None:
    if part.workload["kind"] == "Job":
        return
    (spread,) = part.pod["spec"]["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert (spread["maxSkew"], spread["whenUnsatisfiable"]) == (1, "DoNotSchedule")
    assert _selects(spread["labelSelector"], part.pod)


def test_no_pod_is_replaced_unless_an_operator_says_so(nodes: Part) -> None:
    assert nodes.workload["spec"]["updateStrategy"] == {"type": "OnDelete"}


def test_the_first_node_begins_one_service_at_most(start: Part) -> None:
    job = start.workload["spec"]
    assert job["backoffLimit"] == 0
    assert job["podReplacementPolicy"] == "Failed"
    assert start.pod["spec"]["restartPolicy"] == "Never"
    assert start.volumes("persistentVolumeClaim"), "its ledger outlives its pod"


def test_a_ledger_outlives_its_pod(nodes: Part) -> None:
    spec = nodes.workload["spec"]
    assert set(spec["persistentVolumeClaimRetentionPolicy"].values()) == {"Retain"}
    (claim,) = spec["volumeClaimTemplates"]
    (mount,) = [
        it
        for it in nodes.container["volumeMounts"]
        if it["name"] == claim["metadata"]["name"]
    ]
    assert mount["mountPath"] == "/var/lib/ccfpy"
    assert not nodes.configuration.ledger.directory.startswith("/")


def test_a_stop_gives_members_the_time_that_the_hook_waits(part: Part) -> None:
    hook = part.container["lifecycle"]["preStop"]["exec"]["command"]
    assert hook[-2] == "leave"
    assert int(hook[-1]) < part.pod["spec"]["terminationGracePeriodSeconds"]
    assert part.configuration.ignore_first_sigterm, "the first one only announces"


# Paths, ports, variables


def test_probes_ask_what_a_node_answers(part: Part) -> None:
    text = (ROOT / "docs/reference/endpoints.md").read_text()
    endpoints = set(re.findall(r"^\| `GET` \| `(\S+?)`", text, re.MULTILINE))
    probes = [it for key, it in part.container.items() if key.endswith("Probe")]
    assert len(probes) >= 2
    for probe in probes:
        request = probe["httpGet"]
        assert request["path"] in endpoints
        assert request["scheme"] == "HTTPS"
        interface = part.configuration.network.rpc_interfaces[request["port"]]
        # A node that waits for votes has no certificate of its service to show.
        assert interface.endorsement.authority is InterfaceAuthority.NODE
        accepted = interface.accepted_endpoints
        assert accepted is not None
        assert any(re.fullmatch(it, request["path"]) for it in accepted)
    assert part.container["readinessProbe"]["httpGet"]["path"].startswith(
        "/node/ready/"
    )


def test_a_node_is_restarted_only_after_minutes_of_silence(nodes: Part) -> None:
    probe = nodes.container["livenessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 300


def test_ports_are_those_of_the_configuration(nodes: Part, start: Part) -> None:
    for part in (nodes, start):
        network = part.configuration.network
        sections: dict[str, RpcInterfaceSection | NodeToNodeSection] = {
            "https": network.rpc_interfaces["main"],
            "nodes": network.node_to_node_interface,
            "probes": network.rpc_interfaces["probes"],
        }
        assert sections.keys() == part.ports.keys()
        for name, section in sections.items():
            assert port(section.bind_address) == part.ports[name]
            assert port(section.published_address) == part.ports[name]
        for service in nodes.all("Service"):
            for it in service["spec"]["ports"]:
                assert it["port"] == part.ports[it["targetPort"]]


def test_the_published_name_is_the_pods_own(nodes: Part, start: Part) -> None:
    for part in (nodes, start):
        network = part.configuration.network
        interface = network.rpc_interfaces["main"]
        name = part.environment["NODE"]
        domain = nodes.workload["spec"]["serviceName"]
        host = f"{name}.{domain}.ccfpy.svc"
        assert interface.published_address.startswith(f"{host}:")
        assert network.node_to_node_interface.published_address.startswith(f"{host}:")
        names = part.configuration.node_certificate.subject_alt_names
        assert {f"dNSName:{host}", "dNSName:ccfpy.ccfpy.svc"} <= set(names)


def test_every_variable_is_defined_and_every_one_defined_is_used(part: Part) -> None:
    defined = [it["name"] for it in part.container["env"]]
    assert variables(part.template) == set(defined)
    assert len(defined) == len(set(defined))


def test_ccfpy_takes_the_configuration(nodes: Part, start: Part) -> None:
    assert nodes.configuration.command.type is CommandType.JOIN
    command = start.configuration.command
    assert command.type is CommandType.START
    assert command.start is not None
    for script in command.start.constitution_files:
        assert share(script, ROOT).is_file()
    people = [it.certificate_file for it in command.start.members]
    assert len(set(people)) == len(people) == 3


# Files


def test_every_file_of_the_configuration_is_where_a_volume_is(part: Part) -> None:
    mounts = {it["mountPath"]: it for it in part.container["volumeMounts"]}
    command = part.configuration.command
    named = [command.service_certificate_file, part.configuration.output_files.pid_file]
    if command.start is not None:
        for member in command.start.members:
            named += [member.certificate_file, member.encryption_public_key_file or ""]
    for file in filter(lambda name: name.startswith("/"), named):
        assert file.rpartition("/")[0] in mounts, file
    assert part.container["args"][1].rpartition("/")[0] in mounts
    written = part.configuration.output_files.pid_file.rpartition("/")[0]
    assert not mounts[written].get("readOnly", False)
    volumes = {it["name"] for it in part.pod["spec"]["volumes"]}
    claims = part.workload["spec"].get("volumeClaimTemplates", [])
    volumes |= {it["metadata"]["name"] for it in claims}
    assert {it["name"] for it in mounts.values()} == volumes


def test_what_pods_name_is_made_here_or_by_the_operator(
    part: Part, overlay: str
) -> None:
    made = {it["metadata"]["name"] for it in part.all("ConfigMap")}
    for volume in part.volumes("configMap"):
        assert volume["configMap"]["name"] in made | MADE_BY_OPERATORS
    claims = {it["metadata"]["name"] for it in part.all("PersistentVolumeClaim")}
    for volume in part.volumes("persistentVolumeClaim"):
        assert volume["persistentVolumeClaim"]["claimName"] in claims
    assert part.container["image"] == REPLACED_BY_OPERATORS.get(overlay, "ccfpy")


# What pods may do


def test_a_pod_keeps_to_the_strictest_standard(part: Part) -> None:
    spec = part.pod["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert part.container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    kinds = {"configMap", "emptyDir", "persistentVolumeClaim"}
    assert all(set(it) - {"name"} <= kinds for it in spec["volumes"])


def test_the_user_is_the_images(part: Part) -> None:
    text = (DEPLOY / "image/Containerfile").read_text()
    (user, group) = re.findall(r"^USER (\d+):(\d+)$", text, re.MULTILINE)[0]
    context = part.pod["spec"]["securityContext"]
    assert context["runAsUser"] == int(user)
    assert context["runAsGroup"] == context["fsGroup"] == int(group)


def _ports(rule: Object) -> set[object]:
    return {it["port"] for it in rule["ports"]}


def test_only_nodes_reach_the_port_between_nodes(nodes: Part, start: Part) -> None:
    policy = nodes.one("NetworkPolicy")["spec"]
    assert policy["podSelector"] == {}
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    for rule in policy["ingress"]:
        if "nodes" in _ports(rule):
            (peer,) = rule["from"]
            for part in (nodes, start):
                assert _selects(peer["podSelector"], part.pod)
    assert {it for rule in policy["ingress"] for it in _ports(rule)} == OPEN_PORTS


def test_nodes_reach_each_other_names_and_nobody_else(nodes: Part) -> None:
    to_nodes, to_names = nodes.one("NetworkPolicy")["spec"]["egress"]
    assert _ports(to_nodes) == OPEN_PORTS
    assert _selects(to_nodes["to"][0]["podSelector"], nodes.pod)
    assert _ports(to_names) == {53}


# Overlays


def _limits(overlay: str, part: str) -> Object:
    limits: Object = built(overlay, part).container["resources"]["limits"]
    return limits


def _scheduling(part: Part) -> Iterator[str]:
    spec = part.pod["spec"]
    yield from (it for it in ("nodeSelector", "tolerations") if spec.get(it))
    if "runtimeClassName" in spec:
        yield str(spec["runtimeClassName"])


@pytest.mark.parametrize("part_name", PARTS)
def test_an_overlay_adds_devices_and_where_they_are(part_name: str) -> None:
    plain = _limits("none", part_name)
    added = {
        overlay: {
            key: value
            for key, value in _limits(overlay, part_name).items()
            if key not in plain
        }
        for overlay in OVERLAYS
    }
    sgx = "sgx.intel.com"
    assert added == {
        "none": {},
        "sgx": {f"{sgx}/enclave": "1", f"{sgx}/provision": "1", f"{sgx}/epc": "512Mi"},
        "snp": {"squat.ai/sev-guest": "1"},
        "snp-kata": {"cpu": "2"},
        "inference": {},
    }
    where = {it: list(_scheduling(built(it, part_name))) for it in OVERLAYS}
    places = ["nodeSelector", "tolerations"]
    assert where == {
        "none": [],
        "sgx": places,
        "snp": places,
        "snp-kata": [*places, "kata-qemu-snp"],
        "inference": [],
    }


def test_an_overlay_changes_nothing_else(overlay: str) -> None:
    changing = {"StatefulSet", "Job"}
    if overlay == "inference":
        changing.add("ConfigMap")  # the constitution has further actions
    for part in PARTS:
        plain, changed = built("none", part), built(overlay, part)
        for one, other in zip(plain.resources, changed.resources, strict=True):
            if one["kind"] not in changing:
                assert one == other
        assert plain.container.keys() == changed.container.keys()
        assert (
            plain.container["securityContext"] == changed.container["securityContext"]
        )


def test_what_is_extended_may_be_asked_for_in_whole_only(part: Part) -> None:
    """Kubernetes assigns devices by limits; requests, if any, must equal them."""
    resources = part.container["resources"]
    devices = {key for key in resources["limits"] if "/" in key}
    assert not devices & set(resources["requests"])


# Inference


@pytest.mark.parametrize("part_name", PARTS)
def test_inference_is_another_image_and_app_and_nothing_else(part_name: str) -> None:
    plain, made = built("none", part_name), built("inference", part_name)
    assert made.container["args"][2:] == ["--app", "inference"]
    for section in ("requests", "limits"):
        before = plain.container["resources"][section]
        after = made.container["resources"][section]
        assert after.keys() == before.keys()
        assert after["memory"] != before["memory"]
    same = {"image", "args", "resources"}
    assert {key: it for key, it in made.container.items() if key not in same} == {
        key: it for key, it in plain.container.items() if key not in same
    }
    assert made.pod["metadata"] == plain.pod["metadata"]


def test_members_of_a_service_with_models_may_vote_for_them() -> None:
    scripts = [
        built(overlay, "start").configuration.command.start
        for overlay in ("none", "inference")
    ]
    plain, made = (it.constitution_files if it else [] for it in scripts)
    (own,) = set(made) - set(plain)
    assert own.endswith("/apps/inference/constitution/actions.js")
    assert [*made] == [plain[0], own, *plain[1:]]
    folder = DEPLOY / "kubernetes"
    first = (folder / "start/start.json").read_text()
    second = (folder / "components/inference-start/start.json").read_text()
    (more,) = [it for it in second.splitlines() if own in it]
    assert second.replace(f"{more}\n", "") == first


@pytest.mark.parametrize("component", ["sgx", "snp", "snp-kata"])
def test_inference_is_chosen_beside_any_machines(
    component: str, tmp_path: Path
) -> None:
    copy = tmp_path / "kubernetes"
    shutil.copytree(DEPLOY / "kubernetes", copy)
    ours = copy / "overlays/ours"
    ours.mkdir()
    (ours / "kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1beta1\n"
        "kind: Kustomization\n"
        f"resources: [../{component}]\n"
        "components: [../../components/inference]\n"
        "images: [{name: ccfpy-inference, newName: registry.example/ours}]\n"
    )
    made = Part([dict(it) for it in manifests(ours)])
    assert made.container["image"] == "registry.example/ours"
    assert made.container["args"][-1] == "inference"
    machines = built(component, "")
    assert list(_scheduling(made)) == list(_scheduling(machines))
    assert made.container["resources"]["limits"].keys() == (
        machines.container["resources"]["limits"].keys()
    )
