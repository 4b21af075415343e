"""The pods of the manifests, run by podman as Kubernetes would run them.

A network stands for the cluster, and its names for services. Containers receive the
arguments, variables, files, user and rights of the built manifests, and can write
nowhere else. The tests call probes and run hooks as the kubelet would.
"""

import functools
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ccfpy.client.share import constitution
from tests.deploy.containers import ask_podman, current_image, podman
from tests.deploy.test_kubernetes import Part, built

MEMBERS = ("member0", "member1", "member2")
VOTERS = ("--as", "member0", "--as", "member1")
DEADLINE_S = 90.0
OPEN = "transition_service_to_open"


class Cluster:
    """A network, and pods on it."""

    def __init__(self, image: str, folder: Path) -> None:
        self.name = f"ccfpy-pods-{os.getpid()}"
        self.folder = folder
        self._image = image
        self._containers: list[str] = []
        self._volumes = {f"{self.name}-keys"}
        podman("network", "create", self.name)
        podman("volume", "create", f"{self.name}-keys")

    def close(self) -> None:
        """Take everything away."""
        for name in self._containers:
            ask_podman("rm", "-f", "-t", "1", "-v", name)
        for volume in self._volumes:
            ask_podman("volume", "rm", "-f", volume)
        ask_podman("network", "rm", "-f", self.name)

    def ccfpy(self, *words: str) -> str:
        """Run a command where members keep their keys."""
        return podman(*self._outside(), self._image, *words)

    def _outside(self) -> list[str]:
        place = ["-e", "CCFPY_COMMON=/common"]
        place += ["-e", f"CCFPY_URL={_url('ccfpy-start')}"]
        keys = ["-v", f"{self.name}-keys:/common"]
        return ["run", "--rm", "--network", self.name, *keys, *place]

    def write_keys(self, name: str, text: str) -> None:
        """Put a file where members keep their keys."""
        program = f"import sys; open('/common/{name}', 'w').write({text!r})"
        python = ["--entrypoint", "/opt/ccfpy/bin/python"]
        podman(*self._outside(), *python, self._image, "-I", "-c", program)

    def read_keys(self, *names: str) -> dict[str, str]:
        """Return files from where members keep their keys, by name."""
        program = (
            "import json, sys\n"
            "print(json.dumps({n: open('/common/' + n).read() for n in sys.argv[1:]}))"
        )
        python = ["--entrypoint", "/opt/ccfpy/bin/python"]
        words = [*self._outside(), *python, self._image, "-I", "-c", program]
        found: dict[str, str] = json.loads(podman(*words, *names))
        return found

    def run_pod(
        self,
        part: Part,
        name: str,
        files: dict[str, Path],
        *,
        ready: "Pod | None" = None,
    ) -> "Pod":
        """Run a part's pod under a name.

        ``files`` are the folders of the configuration that operators make, by name;
        ``ready`` names the pods to which the service's name leads.
        """
        spec, container = part.pod["spec"], part.container
        user = spec["securityContext"]
        rights = container["securityContext"]
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["readOnlyRootFilesystem"] is True
        words = ["--read-only", "--read-only-tmpfs=false", "--cap-drop", "all"]
        words += ["--security-opt", "no-new-privileges"]
        words += ["--user", f"{user['runAsUser']}:{user['runAsGroup']}"]
        domain = f"{name}.ccfpy-nodes.ccfpy.svc"
        words += ["--hostname", name, "--network-alias", domain]
        if ready is not None:
            words += ["--add-host", f"ccfpy.ccfpy.svc:{ready.address}"]
        for variable, value in (part.environment | {"NODE": name}).items():
            words += ["-e", f"{variable}={value}"]
        for mount in container["volumeMounts"]:
            words += self._mount(part, name, mount, files)
        full = f"{self.name}-{name}"
        self._containers.append(full)
        arguments = [str(word) for word in container["args"]]
        network = ["--network", self.name]
        podman("run", "-d", "--name", full, *network, *words, self._image, *arguments)
        return Pod(self, part, full)

    def _mount(
        self, part: Part, pod: str, mount: dict[str, Any], files: dict[str, Path]
    ) -> list[str]:
        """Return podman's options for the mounts of a pod."""
        path = mount["mountPath"]
        volumes = {it["name"]: it for it in part.pod["spec"]["volumes"]}
        volume = volumes.get(mount["name"], {})
        if "emptyDir" in volume:
            return ["--tmpfs", f"{path}:mode=1777,size=1m"]
        if "configMap" not in volume:
            disk = f"{self.name}-{pod}-{mount['name']}"
            self._volumes.add(disk)
            return ["-v", f"{disk}:{path}:U"]
        source = files.get(volume["configMap"]["name"])
        if source is None:
            source = self.folder / pod
            source.mkdir(exist_ok=True)
            (source / "node.json").write_text(part.template)
        return ["-v", f"{source}:{path}:ro"]


class Pod:
    """A running pod."""

    def __init__(self, cluster: Cluster, part: Part, name: str) -> None:
        self.cluster = cluster
        self.part = part
        self.name = name

    @property
    def address(self) -> str:
        """Return its address on the cluster's network."""
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return podman("inspect", "--format", form, self.name).strip()

    def probe(self, which: str) -> bool:
        """Ask what a probe asks, from within, as the certificate is not checked."""
        request = self.part.container[f"{which}Probe"]["httpGet"]
        port = self.part.ports[request["port"]]
        scheme = request["scheme"].lower()
        program = (
            "import ssl, sys, urllib.request as r\n"
            "tls = ssl._create_unverified_context()\n"
            f"url = '{scheme}://127.0.0.1:{port}{request['path']}'\n"
            "sys.exit(not 200 <= r.urlopen(url, timeout=3, context=tls).status < 400)"
        )
        words = ("exec", self.name, "/opt/ccfpy/bin/python", "-I", "-c", program)
        return ask_podman(*words).returncode == 0

    def state(self) -> dict[str, Any]:
        """Ask the node about itself, and verify its service's certificate."""
        host = f"{self.name.removeprefix(self.cluster.name)[1:]}.ccfpy-nodes.ccfpy.svc"
        url = ("--url", f"https://{host}:8000")
        said: dict[str, Any] = json.loads(
            self.cluster.ccfpy("call", "/node/state", *url)
        )
        return said

    def read(self, file: str) -> str:
        """Read a file as ``kubectl exec`` would."""
        program = f"print(open('{file}').read(), end='')"
        return podman("exec", self.name, "python", "-c", program)

    def hook(self) -> tuple[str, ...]:
        """Return the command of the hook that runs before a stop."""
        return tuple(self.part.container["lifecycle"]["preStop"]["exec"]["command"])


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"in {DEADLINE_S} s: no {what}"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(current_image(), tmp_path_factory.mktemp("cluster"))
    try:
        yield cluster
    finally:
        cluster.close()


def test_a_service_begins_grows_and_changes_its_nodes(cluster: Cluster) -> None:
    """The how-to, from the first pod to a replaced one."""
    for name in MEMBERS:
        cluster.ccfpy("keygen", "--name", name, "--gen-enc-key", "--out", "/common")
    people = cluster.folder / "members"
    people.mkdir()
    kinds = ("cert", "enc_pubk")
    public = [f"{name}_{kind}.pem" for name in MEMBERS for kind in kinds]
    for file, text in cluster.read_keys(*public).items():
        (people / file).write_text(text)

    start = built("none", "start")
    first = cluster.run_pod(start, "ccfpy-start", {"ccfpy-members": people})
    eventually(lambda: first.probe("startup"), "answer of the first node")
    eventually(lambda: first.probe("readiness"), "readiness of the first node")

    certificate = first.read("service_cert.pem")
    cluster.write_keys("service_cert.pem", certificate)
    vouched = cluster.folder / "service"
    vouched.mkdir()
    (vouched / "service_cert.pem").write_text(certificate)
    nodes, files = built("none", ""), {"ccfpy-service": vouched}
    names = [f"ccfpy-{it}" for it in range(nodes.workload["spec"]["replicas"])]
    pods = [cluster.run_pod(nodes, name, files, ready=first) for name in names]
    for pod in pods:
        for which in ("readiness", "liveness"):
            eventually(functools.partial(pod.probe, which), f"{which} of {pod.name}")

    for name in MEMBERS:
        cluster.ccfpy("gov", "ack", "--as", name)
    identity = "next_service_identity=@/common/service_cert.pem"
    words = ("gov", "propose", "--as", "member0", "--action", OPEN, "--arg", identity)
    proposal = cluster.ccfpy(*words).split()[0]
    for name in ("member0", "member1"):
        cluster.ccfpy("gov", "vote", proposal, "--as", name)
    eventually(lambda: _status(cluster)["service_status"] == "Open", "open service")

    _leave(first)
    _leave(pods[2])
    assert _trusted(cluster) == {"ccfpy-0", "ccfpy-1"}
    for pod in pods[:2]:
        ready = functools.partial(pod.probe, "readiness")
        eventually(ready, f"readiness of {pod.name}: two go on without the third")
    # The replacement of a pod has its name and its disk.
    podman("rm", pods[2].name)
    successor = cluster.run_pod(nodes, names[2], files, ready=pods[0])
    _wait_pending(successor)
    eventually(lambda: successor.probe("startup"), "answer of the successor")
    assert not successor.probe("readiness")
    address = f"{names[2]}.ccfpy-nodes.ccfpy.svc:8000"
    cluster.ccfpy("network", "trust", address, *VOTERS, "--url", _url(names[0]))
    eventually(lambda: successor.probe("readiness"), "readiness of the successor")
    eventually(lambda: _trusted(cluster) == set(names), "trust in all three pods")


def test_members_scripts_are_those_that_ship() -> None:
    """The first node's configured constitution is the one of this checkout."""
    command = built("none", "start").configuration.command
    assert command.start is not None
    scripts = command.start.constitution_files
    assert [Path(it).name for it in scripts] == [
        it.name for it in constitution("default")
    ]
    python = ("--entrypoint", "/opt/ccfpy/bin/python")
    program = "import sys; [print(open(n).read(), end='') for n in sys.argv[1:]]"
    image = current_image()
    said = podman("run", "--rm", *python, image, "-c", program, *scripts)
    assert said == "".join(it.read_text() for it in constitution("default"))


def _status(cluster: Cluster) -> dict[str, Any]:
    status: dict[str, Any] = json.loads(
        cluster.ccfpy("network", "status", "--json", "--url", _url("ccfpy-0"))
    )
    return status


def _url(pod: str) -> str:
    return f"https://{pod}.ccfpy-nodes.ccfpy.svc:8000"


def _trusted(cluster: Cluster) -> set[str]:
    return {
        it["addresses"][0].partition(".")[0]
        for it in _status(cluster)["nodes"]
        if it["status"] == "Trusted"
    }


def _leave(pod: Pod) -> None:
    """Stop a pod as the kubelet does: the hook, then a signal, and votes meanwhile."""
    cluster, name = pod.cluster, pod.name.removeprefix(pod.cluster.name)[1:]
    podman("exec", "-d", pod.name, *pod.hook())
    eventually(lambda: pod.state()["stop_notice"], f"stop notice of {name}")
    assert not pod.probe("readiness"), "who is about to stop is sent no more requests"
    address = f"{name}.ccfpy-nodes.ccfpy.svc:8000"
    cluster.ccfpy("network", "retire", address, *VOTERS, "--url", _url("ccfpy-0"))
    eventually(lambda: not _hook_runs(pod), f"end of the hook of {name}")
    podman("stop", "--time", "15", pod.name)
    form = "{{.State.ExitCode}}"
    assert podman("inspect", "--format", form, pod.name).strip() == "0"
    cluster.ccfpy("network", "remove", address, "--url", _url("ccfpy-0"))


def _hook_runs(pod: Pod) -> bool:
    return "own_node.py" in podman("top", pod.name, "args")


def _wait_pending(pod: Pod) -> None:
    def is_waiting() -> bool:
        said = podman("logs", "--tail", "5", pod.name)
        return "is waiting for votes" in said

    eventually(is_waiting, f"request to join by {pod.name}")
