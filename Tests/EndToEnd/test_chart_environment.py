"""The environment that the chart gives to the service: known to it, taken by it, and new pods for each change."""

from __future__ import annotations

import itertools
import re
import subprocess

import pytest
from deployment import load
from helm import CHART, CI_VALUES, environment, of_kind, plain_environment, pod_specs, render, rendered, workload
from service import REPOSITORY, Service, free_ports

PRODUCTION = CHART / "ci" / "production-values.yaml"

each_ci_file = pytest.mark.parametrize("path", CI_VALUES, ids=lambda path: path.stem)


def known_settings() -> set[str]:
    """The table of the repository's README, and OpenTelemetry's further names that the sources read."""
    table = re.findall(r"^\| `([A-Z_]+)` \|", (REPOSITORY / "README.md").read_text(), re.M)
    sources = (path.read_text() for path in (REPOSITORY / "Sources").rglob("*.swift"))
    return set(table) | {name for text in sources for name in re.findall(r'"(OTEL_[A-Z_]+)"', text)}


@each_ci_file
def test_every_variable_is_one_that_the_service_knows(path):
    names = [entry["name"] for entry in environment(rendered(path))]
    assert set(names) <= known_settings()
    assert len(names) == len(set(names)), "twice"


def test_config_takes_exactly_the_settings_of_the_service():
    properties = load(CHART / "values.schema.json")["properties"]["config"]["properties"]
    assert set(properties) == known_settings()


@each_ci_file
def test_the_environment_of_a_pod_starts_the_service(path, binary, tmp_path):
    documents = rendered(path)
    files = mounted_files(documents, tmp_path)
    settings = plain_environment(documents)
    port, admin_port = free_ports(2)
    for (name, value), (mounted, real) in itertools.product(plain_environment(documents).items(), files.items()):
        if value.startswith(mounted):
            settings[name] = value.replace(mounted, real)
    settings |= {"PORT": port, "ADMIN_PORT": admin_port, "HOST": "127.0.0.1", "SHUTDOWN_DRAIN_SECONDS": 0}
    settings |= {"REDIS_CONNECT_TIMEOUT_MILLISECONDS": 10}
    running = Service(**{"RATE_LIMIT_BUDGET": None, "RATE_LIMIT_WINDOW_SECONDS": None} | settings)
    running.port, running.admin_port = port, admin_port
    with running:
        running.assert_well()
        largest = int(settings.get("FIB_MAX_N", 10_000_000))
        assert running.fib(largest + 1).status == 422


def mounted_files(documents: list[dict], directory) -> dict[str, str]:
    """Makes what a pod's mounts hold; folders of the pod, and where they are here."""
    spec = pod_specs(documents)[0]
    volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
    made = {}
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subprocess.run(
        [*request, "-subj", "/CN=redis", "-days", "2", "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
        timeout=30,
    )
    contents = {"password": "secret", "ca.crt": certificate.read_text(), "tls.crt": certificate.read_text()}
    contents["tls.key"] = key.read_text()
    for mount in spec["containers"][0].get("volumeMounts", []):
        assert mount["readOnly"] is True
        volume = volumes.pop(mount["name"])
        source = volume.get("secret", volume.get("configMap"))
        folder = directory / mount["name"]
        folder.mkdir()
        for name in [item["path"] for item in source.get("items", [{"path": "ca.crt"}])]:
            (folder / name).write_text(contents[name])
        made[mount["mountPath"]] = str(folder)
    assert volumes == {}, "volumes that are not mounted"
    return made


def test_threads_follow_the_limit_of_cpu_unless_they_are_set():
    def threads(values: dict) -> dict:
        return next(entry for entry in environment(render(values)) if entry["name"] == "COMPUTE_THREADS")

    assert threads({})["valueFrom"]["resourceFieldRef"] == {"resource": "limits.cpu", "divisor": "1"}
    assert threads({"config": {"COMPUTE_THREADS": 4}}) == {"name": "COMPUTE_THREADS", "value": "4"}


@pytest.mark.parametrize(
    "values",
    [
        {"config": {"LOG_LEVEL": "debug"}},
        {"config": {"OTEL_TRACES_SAMPLER_ARG": 0.5}},
        {"rateLimit": {"budget": 5000}},
        {"redis": {"url": "redis://elsewhere"}},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_changed_setting_makes_new_pods(values):
    def checksum(documents: list[dict]) -> str:
        return workload(documents)["spec"]["template"]["metadata"]["annotations"]["checksum/config"]

    assert checksum(render(values)) != checksum(render())
    assert checksum(render({"replicaCount": 9})) == checksum(render())


def test_a_changed_authority_makes_new_pods():
    def template(text: str) -> dict:
        pem = f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
        return workload(render({"redis": {"url": "rediss://redis", "tls": {"ca": pem}}}))["spec"]["template"]

    assert template("AAAA") != template("BBBB")


def test_numbers_of_any_size_reach_the_service_as_they_are():
    values = {"rateLimit": {"budget": 1_000_000_000}, "config": {"CACHE_MEMORY_BYTES": 1099511627776}}
    settings = plain_environment(render(values, "--set", "config.HTTP_MAX_CONNECTIONS=1000000"))
    assert settings["RATE_LIMIT_BUDGET"] == "1000000000"
    assert settings["CACHE_MEMORY_BYTES"] == "1099511627776"
    assert settings["HTTP_MAX_CONNECTIONS"] == "1000000"
    assert settings["OTEL_TRACES_SAMPLER_ARG"] == "0.1"


@pytest.mark.parametrize("name", ["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"])
@pytest.mark.parametrize("text", ["a: b", "yes", "'", '"', "{{ .Release.Name }}", "# no comment", "1e3", "é\\n"])
def test_odd_text_reaches_the_service_as_it_is(name, text):
    assert plain_environment(render({"config": {name: text}}))[name] == text


def test_passwords_are_in_files_and_nowhere_else():
    documents = rendered(PRODUCTION)
    settings = plain_environment(documents)
    assert settings["REDIS_PASSWORD_FILE"] == "/run/secrets/fibonacci-api/redis-cache/password"
    assert settings["RATE_LIMIT_REDIS_PASSWORD_FILE"] == "/run/secrets/fibonacci-api/redis-limiter/password"
    secrets = {volume["name"]: volume["secret"]["secretName"] for volume in pod_specs(documents)[0]["volumes"]}
    assert secrets == {
        "redis-cache": "redis-cache-client",
        "redis-limiter": "redis-limiter-client",
        "redis-ca": "redis-ca",
    }
    assert not [entry for entry in environment(documents) if "secretKeyRef" in entry.get("valueFrom", {})]
    assert of_kind(documents, "Secret") == []
