"""Renders the chart with the real helm."""

from __future__ import annotations

import functools
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable

import pytest
import yaml
from service import REPOSITORY

CHART = REPOSITORY / "deploy" / "helm" / "fibonacci-api"
CI_VALUES = sorted((CHART / "ci").glob("*-values.yaml"))
NAMESPACE = "fibonacci-api-production"
RELEASE = "fibonacci-api"
POD_MAKERS = {"Deployment", "Rollout"}


@functools.cache
def helm_path() -> str:
    """The helm beside this Python, where the requirements put it, else that of the PATH."""
    beside = pathlib.Path(sys.executable).parent / "helm"
    path = str(beside) if beside.is_file() else shutil.which("helm")
    if path is None:
        pytest.fail(
            "no helm: install it (https://helm.sh/docs/intro/install), or run 'make e2e' on Linux", pytrace=False
        )
    return path


def run_helm(*arguments: str | pathlib.Path) -> subprocess.CompletedProcess:
    command = [helm_path(), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


def attempt(values: dict | None = None, *options: str | pathlib.Path, release: str = RELEASE, chart=CHART):
    """What `helm template` says to values, as JSON would write them."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(values or {}, file)
        file.flush()
        # Names of resources depend on the kinds that a cluster has, never on the machine that renders.
        return run_helm("template", release, chart, "--namespace", NAMESPACE, "--values", file.name, *options)


def render(values: dict | None = None, *options: str | pathlib.Path, release: str = RELEASE, chart=CHART) -> list[dict]:
    """All that the chart makes of values."""
    done = attempt(values, *options, release=release, chart=chart)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


@functools.cache
def rendered(path: pathlib.Path) -> list[dict]:
    """All that the chart makes of a file of values. Not to be changed: tests share it."""
    return render(None, "--values", path)


def refusal(values: dict, *options: str) -> str:
    """Why helm does not take values; it must not."""
    done = attempt(values, *options)
    assert done.returncode != 0, f"helm took {values} {options}"
    return "\n".join(line for line in done.stderr.splitlines() if "found symbolic link" not in line)


def of_kind(documents: Iterable[dict], kind: str) -> list[dict]:
    return [document for document in documents if document["kind"] == kind]


def named(documents: Iterable[dict], kind: str, name: str = RELEASE) -> dict:
    """The one document of a kind and a name."""
    found = [document for document in of_kind(documents, kind) if document["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} × {kind} {name}"
    return found[0]


def workload(documents: Iterable[dict]) -> dict:
    """The one Deployment or Rollout."""
    found = [document for document in documents if document["kind"] in POD_MAKERS]
    assert len(found) == 1, f"{len(found)} workloads"
    return found[0]


def pod_specs(documents: Iterable[dict]) -> list[dict]:
    """The specification of each pod that the documents bring about."""
    specs = [document["spec"]["template"]["spec"] for document in documents if document["kind"] in POD_MAKERS]
    return specs + [document["spec"] for document in documents if document["kind"] == "Pod"]


def environment(documents: Iterable[dict]) -> list[dict]:
    """The `env` of the service's container."""
    return workload(documents)["spec"]["template"]["spec"]["containers"][0]["env"]


def plain_environment(documents: Iterable[dict]) -> dict[str, str]:
    """What of it is given as text."""
    return {entry["name"]: entry["value"] for entry in environment(documents) if "value" in entry}
