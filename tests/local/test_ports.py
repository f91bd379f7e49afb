"""Who holds a port that a pod needs is named; a store that is still starting has its port already."""

import os
import socket
from typing import Any

import pytest

from klearctl.local.backend import LocalBackend
from klearctl.local.node.ports import Ports, conflict
from tests.fixtures.ports import free_port
from tests.local.manifests import FOREVER, container, job
from tests.local.waiting import ended, running

IP = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}


def master(port: int, line: str = "true", address: str = "$(POD_IP)") -> dict[str, Any]:
    """A container that runs the line, with the environment of torch's master at that address."""
    env = [{"name": "PET_MASTER_ADDR", "value": address}, {"name": "PET_MASTER_PORT", "value": str(port)}]
    return container(line, env=[IP, *env])


def test_a_port_in_use_is_an_error_that_names_its_holder(backend: LocalBackend) -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        backend.apply([job(container(FOREVER, ports=[{"containerPort": port}]))])
        ended(backend, "Job")
    status = backend.list("Pod")[0]["status"]
    assert (status["reason"], f"port {port}" in status["message"], f"process {os.getpid()} " in status["message"]) == (
        "PortInUse",
        True,
        True,
    )


@pytest.mark.parametrize(
    ("address", "is_failed"),
    [
        ("$(POD_IP)", True),  # the master: its store would listen on every address
        ("127.0.0.1", False),  # a worker: it only calls the master
    ],
)
def test_the_store_of_a_torch_master_needs_its_port_everywhere(
    backend: LocalBackend, address: str, is_failed: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        backend.apply([job(master(server.getsockname()[1], address=address))])
        obj = ended(backend, "Job")
    assert (obj["status"].get("failed") == 1) == is_failed


def test_a_port_of_the_manifest_can_be_used_by_two_pods_at_once(backend: LocalBackend) -> None:
    code = (
        "import os, socket; s = socket.create_server((os.environ['POD_IP'], 8000)); print('up', flush=True); s.accept()"
    )
    main = {"name": "main", "image": "none", "command": ["python", "-c", code], "env": [IP]}
    backend.apply([job(main | {"ports": [{"containerPort": 8000}]}, pods=2)])
    lines = backend.logs("t", follow=True)
    assert [next(lines).text, next(lines).text] == ["up", "up"]


def test_nobody_is_in_the_way_of_a_free_port() -> None:
    with socket.create_server(("127.9.9.9", 0)) as server:
        port = server.getsockname()[1]
        found = [bool(conflict(address, port, everywhere=False)) for address in ("127.9.9.9", "127.9.9.8")]
    assert found == [True, False]


def test_of_two_masters_that_have_not_listened_yet_the_second_is_refused(backend: LocalBackend) -> None:
    port = free_port()
    backend.apply([job(master(port, FOREVER), name="first")])
    running(backend, "first")
    backend.apply([job(master(port, FOREVER), name="second")])
    ended(backend, "Job", "second")
    status = backend.list("Pod", {"klear.dev/run": "second"})[0]["status"]
    assert (status["reason"], f"port {port}" in status["message"], "--name first" in status["message"]) == (
        "PortInUse",
        True,
        True,
    )


def test_the_port_of_a_master_that_has_ended_is_free_again(backend: LocalBackend) -> None:
    port = free_port()
    for name in ("first", "second"):
        backend.apply([job(master(port), name=name)])
        last = ended(backend, "Job", name)
    assert last["status"]["succeeded"] == 1


def test_a_port_is_claimed_once_for_a_pod_of_several_containers() -> None:
    env = {"PET_MASTER_ADDR": "127.0.0.1", "PET_MASTER_PORT": str(free_port())}
    spec = {"containers": [container("true", "one"), container("true", "two")]}
    pod = {"metadata": {"name": "t", "uid": "u"}, "status": {"podIP": "127.0.0.1"}, "spec": spec}
    ports = Ports()
    said = ports.take(pod, {"one": env, "two": env})
    ports.give_back("u")
    assert said == ""
