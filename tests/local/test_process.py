"""Everything that a pod started ends with it, however it tried to get away; and addresses of pods."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klearctl.errors import BackendError
from klearctl.local.backend import LocalBackend
from klearctl.local.node.addresses import BLOCK_SIZE, assign, reserve
from klearctl.local.node.process import image_environment
from tests.local.manifests import PATIENT, container, job
from tests.local.waiting import ended, no_pods, running

OURS = str(os.getpid())  # blocks are those of the machine: other tests may run
ESCAPES = {
    "setsid": "setsid sleep 1000 & exec sleep 1000",
    "double fork": "(setsid sh -c 'sleep 1000 & sleep 1000 &' &) ; exec sleep 1000",
    "empty environment": "env -i sleep 1000 & exec sleep 1000",
}


def living(pod: dict[str, Any]) -> int:
    """How many processes of the machine carry the pod's mark."""
    mark = f"KLEAR_POD_UID={pod['metadata']['uid']}".encode()
    count = 0
    for folder in filter(str.isdigit, os.listdir("/proc")):
        try:
            count += mark in Path(f"/proc/{folder}/environ").read_bytes()
        except OSError:
            continue
    return count


@pytest.mark.parametrize("line", ESCAPES.values(), ids=list(ESCAPES))
def test_a_process_that_runs_away_is_gone_with_its_pod(backend: LocalBackend, line: str) -> None:
    backend.apply([job(container(line))])
    pod = running(backend)[0]
    backend.patch("Job", "t", {"spec": {"suspend": True}})
    no_pods(backend)
    assert living(pod) == 0


def test_what_a_container_left_ends_when_its_first_process_does(backend: LocalBackend) -> None:
    backend.apply([job(container("setsid sleep 1000 & exit 0"))])
    ended(backend, "Job")
    assert living(backend.list("Pod")[0]) == 0


def test_only_the_first_process_is_told_to_stop(backend: LocalBackend) -> None:
    second = "sh -c 'trap \"echo second\" TERM; echo up; while :; do sleep 0.01; done'"
    line = f"trap 'echo first; sleep 0.5; exit 0' TERM; {second} & while :; do sleep 0.01; done"
    backend.apply([job(container(line), pod=PATIENT)])
    lines = backend.logs("t", follow=True)
    up = next(lines).text  # both listen
    backend.patch("Job", "t", {"spec": {"suspend": True}})
    assert (up, [line.text for line in lines]) == ("up", ["first"])


def test_two_reservations_get_two_blocks() -> None:
    first, one = reserve(OURS)
    second, two = reserve(OURS)
    one.close()
    two.close()
    assert first != second


def test_a_block_is_free_again_after_its_holder() -> None:
    first, holder = reserve(OURS)
    holder.close()
    second, holder = reserve(OURS)
    holder.close()
    assert first == second


@settings(deadline=None)  # the machine may do much else
@given(st.lists(st.text("ab-", min_size=1), unique=True, max_size=50), st.integers(0, 254 * 16 - 1))
def test_every_host_gets_a_loopback_address_of_its_block(hosts: list[str], block: int) -> None:
    numbers = [int.from_bytes(socket.inet_aton(address), "big") for address in assign(hosts, block).values()]
    assert all(number >> 24 == 127 for number in numbers) and len({n // BLOCK_SIZE for n in numbers}) <= 1


def test_more_pods_than_addresses_are_refused() -> None:
    with pytest.raises(BackendError, match="do not fit on one machine"):
        assign([str(number) for number in range(BLOCK_SIZE)], 0)


def test_connections_between_pods_go_past_a_proxy() -> None:
    env = image_environment({"HTTPS_PROXY": "http://proxy", "NO_PROXY": "example.com", "SECRET": "x"}, ["127.1.0.1"])
    assert (env["NO_PROXY"], "SECRET" in env) == ("example.com,localhost,127.0.0.0/8,127.0.0.1,127.1.0.1", False)
