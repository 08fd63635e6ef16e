"""The chart, rendered by the real helm: what it promises holds for every file of ci/."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import sys

import kubernetes_validate
import pytest
import yaml
from deployment import DASHBOARDS, RULE_FILES, load
from helm import (
    CHART,
    CI_VALUES,
    NAMESPACE,
    POD_MAKERS,
    RELEASE,
    attempt,
    named,
    of_kind,
    plain_environment,
    pod_specs,
    render,
    rendered,
    run_helm,
    workload,
)
from redis_server import require
from service import REPOSITORY

PRODUCTION = CHART / "ci" / "production-values.yaml"
CUSTOM = {"Rollout", "AnalysisTemplate", "HTTPRoute", "ServiceMonitor", "PrometheusRule"}
# The oldest that the chart takes, and the newest whose schemas are there.
KUBERNETES = ["1.29.0", kubernetes_validate.latest_version()]
RELEASE_NAMES = ["fibonacci-api", "a", "fibonacci-api-2", "x" * 53]

each_ci_file = pytest.mark.parametrize("path", CI_VALUES, ids=lambda path: path.stem)


@each_ci_file
def test_a_ci_file_lints(path):
    done = run_helm("lint", "--strict", CHART, "--values", path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", KUBERNETES)
@each_ci_file
def test_built_in_kinds_hold_against_strict_schemas(path, version):
    for document in rendered(path):
        if document["kind"] not in CUSTOM:
            kubernetes_validate.validate(document, version, strict=True)


@each_ci_file
def test_a_number_is_written_as_a_person_would(path):
    assert not re.search(r"\d\.?\d*e\+\d", attempt(None, "--values", path).stdout.split("kind: ConfigMap")[0])


def test_the_ci_files_turn_every_switch_both_ways():
    def switches(values: dict, path: tuple = ()):
        for key, value in values.items():
            if isinstance(value, dict):
                yield from switches(value, (*path, key))
            elif isinstance(value, bool):
                yield (*path, key)

    def at(values: dict, path: tuple):
        for key in path:
            values = values.get(key, {}) if isinstance(values, dict) else {}
        return values

    defaults = load(CHART / "values.yaml")
    files = [load(path) for path in CI_VALUES]
    context = {("podSecurityContext", "runAsNonRoot"), ("serviceAccount", "automount")}
    context |= {("securityContext", name) for name in ("allowPrivilegeEscalation", "readOnlyRootFilesystem")}
    unturned = [
        path
        for path in switches(defaults)
        if path not in context and not any(at(file, path) == (not at(defaults, path)) for file in files)
    ]
    assert unturned == []
    kinds = {document["kind"] for path in CI_VALUES for document in rendered(path)}
    assert kinds >= CUSTOM | {"Deployment", "HorizontalPodAutoscaler", "Ingress", "ConfigMap", "NetworkPolicy"}


def assert_restricted(spec: dict) -> None:
    """The Pod Security level "restricted", as the standard has it."""
    for flag in ("hostNetwork", "hostPID", "hostIPC"):
        assert not spec.get(flag)
    of_pod = spec.get("securityContext", {})
    assert not of_pod.get("sysctls")
    kinds = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
    for volume in spec.get("volumes", []):
        assert set(volume) - {"name"} <= kinds, volume
    for container in spec["containers"] + spec.get("initContainers", []):
        own = container["securityContext"]
        assert own["allowPrivilegeEscalation"] is False
        assert not own.get("privileged") and own.get("procMount", "Default") == "Default"
        assert own["capabilities"]["drop"] == ["ALL"]
        assert set(own["capabilities"].get("add", [])) <= {"NET_BIND_SERVICE"}
        effective = of_pod | own
        assert effective["runAsNonRoot"] is True
        assert effective["runAsUser"] > 0
        assert effective["seccompProfile"]["type"] in ("RuntimeDefault", "Localhost")
        assert effective.get("seLinuxOptions", {}) == {}
        assert all("hostPort" not in port for port in container.get("ports", []))


@each_ci_file
def test_every_pod_is_restricted_and_more(path):
    specs = pod_specs(rendered(path))
    assert len(specs) == 2, "the service's and that of helm test"
    for spec in specs:
        assert_restricted(spec)
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        for container in spec["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["resources"]["requests"]["memory"] and container["resources"]["requests"]["cpu"]
            assert not container["image"].endswith(":latest") and ":" in container["image"]
    for account in of_kind(rendered(path), "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False
    assert specs[0]["securityContext"]["runAsUser"] == 65532


@each_ci_file
def test_selectors_are_name_and_instance_and_find_the_pods(path):
    documents = rendered(path)
    labels = workload(documents)["spec"]["template"]["metadata"]["labels"]
    selectors = [workload(documents)["spec"]["selector"]["matchLabels"]]
    selectors += [service["spec"]["selector"] for service in of_kind(documents, "Service")]
    selectors += [budget["spec"]["selector"]["matchLabels"] for budget in of_kind(documents, "PodDisruptionBudget")]
    policies = (
        [named(documents, "NetworkPolicy", workload(documents)["metadata"]["name"])]
        if path.stem != "single-values"
        else []
    )
    selectors += [policy["spec"]["podSelector"]["matchLabels"] for policy in policies]
    for selector in selectors:
        assert set(selector) == {"app.kubernetes.io/name", "app.kubernetes.io/instance"}
        assert selector.items() <= labels.items()
        test = of_kind(documents, "Pod")[0]["metadata"]["labels"]
        assert not selector.items() <= test.items(), "the Service would lead to the pod that tests it"


def test_a_selector_does_not_change_when_the_version_does(tmp_path):
    for documents in (render({"image": {"tag": "9.9.9"}}), render({"podLabels": {"team": "web"}})):
        assert workload(documents)["spec"]["selector"] == workload(render())["spec"]["selector"]


@each_ci_file
def test_all_objects_have_the_recommended_labels_and_one_namespace(path):
    for document in rendered(path):
        metadata = document["metadata"]
        assert metadata["namespace"] == NAMESPACE
        assert {"app.kubernetes.io/name", "app.kubernetes.io/instance"} <= set(metadata["labels"])
        if document["kind"] != "Pod":
            recommended = {"version", "part-of", "managed-by"}
            assert {f"app.kubernetes.io/{name}" for name in recommended} <= set(metadata["labels"])


@each_ci_file
def test_replicas_are_set_where_no_autoscaler_sets_them(path):
    documents = rendered(path)
    scaled = of_kind(documents, "HorizontalPodAutoscaler")
    assert ("replicas" in workload(documents)["spec"]) == (not scaled)
    for scaler in scaled:
        reference = scaler["spec"]["scaleTargetRef"]
        expected = workload(documents)
        assert (reference["apiVersion"], reference["kind"]) == (expected["apiVersion"], expected["kind"])
        assert reference["name"] == expected["metadata"]["name"]


@each_ci_file
def test_no_pod_goes_before_its_successor_is_ready(path):
    strategy = workload(rendered(path))["spec"]["strategy"]
    rule = strategy["canary"] if "canary" in strategy else strategy["rollingUpdate"]
    assert (rule["maxUnavailable"], rule["maxSurge"]) == (0, 1)


@each_ci_file
def test_the_grace_period_holds_the_drain_and_what_is_in_flight(path):
    documents = rendered(path)
    settings = plain_environment(documents)
    needed = int(settings["SHUTDOWN_DRAIN_SECONDS"]) + int(settings["SHUTDOWN_TIMEOUT_SECONDS"])
    assert pod_specs(documents)[0]["terminationGracePeriodSeconds"] >= needed + 3
    readiness = pod_specs(documents)[0]["containers"][0]["readinessProbe"]
    assert "lifecycle" not in pod_specs(documents)[0]["containers"][0]
    if path.stem != "single-values":
        noticed = readiness["periodSeconds"] * readiness["failureThreshold"]
        assert int(settings["SHUTDOWN_DRAIN_SECONDS"]) > noticed, "it would stop before its unreadiness is noticed"


@each_ci_file
def test_a_disruption_budget_never_blocks_a_drain(path):
    documents = rendered(path)
    assert bool(of_kind(documents, "PodDisruptionBudget")) == (path.stem != "single-values")
    for budget in of_kind(documents, "PodDisruptionBudget"):
        assert "minAvailable" not in budget["spec"]
        assert budget["spec"]["maxUnavailable"] not in (0, "0%")
        assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


@each_ci_file
def test_probes_ask_the_admin_port_for_what_the_service_has(path, service):
    container = pod_specs(rendered(path))[0]["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": 8000, "admin": 9464}
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez", "liveness must not depend on Redis"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[name]["httpGet"]["port"] == "admin"
        assert service.admin(container[name]["httpGet"]["path"]).status == 200


def test_an_image_is_named_by_tag_and_digest():
    digest = f"sha256:{'ab' * 32}"
    image = pod_specs(render({"image": {"tag": "1.2.3", "digest": digest}}))[0]["containers"][0]["image"]
    assert image == f"ghcr.io/example/fibonacci-api:1.2.3@{digest}"


def test_chart_image_and_service_have_one_version():
    source = (REPOSITORY / "Sources/FibonacciAPI/Application/BuildInformation.swift").read_text()
    version = re.search(r'\bversion = "([^"]*)"', source)[1]
    chart = load(CHART / "Chart.yaml")
    assert (chart["version"], chart["appVersion"]) == (version, version)
    assert pod_specs(render())[0]["containers"][0]["image"].endswith(f":{version}")


def test_two_releases_in_one_namespace_do_not_collide():
    everything = load(PRODUCTION) | {"ingress": {"enabled": True}, "redis": {"url": "redis://cache"}}
    made = [
        {(document["kind"], document["metadata"]["name"]) for document in render(everything, release=release)}
        for release in RELEASE_NAMES
    ]
    for one, other in itertools.combinations(made, 2):
        assert not one & other
    workloads = [workload(render(release=release)) for release in RELEASE_NAMES]
    for one, other in itertools.permutations(workloads, 2):
        labels = other["spec"]["template"]["metadata"]["labels"]
        assert not one["spec"]["selector"]["matchLabels"].items() <= labels.items()


@pytest.mark.parametrize("release", ["r", "x" * 53])
@pytest.mark.parametrize("override", ["", "n" * 80, "a-" * 30 + "b"])
@pytest.mark.parametrize("option", ["nameOverride", "fullnameOverride"])
def test_names_and_labels_are_never_too_long(release, override, option):
    values = {"workload": {"kind": "Rollout"}, "rollout": {"trafficRouting": {"nginx": {"stableIngress": "x"}}}}
    for document in render(values | {option: override}, release=release):
        name = document["metadata"]["name"]
        longest = 63 if document["kind"] in ("Service", "Deployment", "Rollout", "Pod") else 253
        assert len(name) <= longest and re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name), name
        for value in document["metadata"]["labels"].values():
            assert len(value) <= 63 and re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?", value), value


def test_rules_are_those_of_deploy_and_prometheus_takes_them(tmp_path):
    found = of_kind(rendered(PRODUCTION), "PrometheusRule")
    assert [rule["metadata"]["name"] for rule in found] == [f"{RELEASE}-{path.stem}" for path in RULE_FILES]
    for rule, path in zip(found, RULE_FILES, strict=True):
        assert rule["spec"] == load(path)
        (tmp_path / path.name).write_text(yaml.safe_dump(rule["spec"]))
    command = [require("promtool", "prometheus"), "check", "rules", *map(str, tmp_path.iterdir())]
    assert subprocess.run(command, capture_output=True, timeout=30).returncode == 0


def test_dashboards_are_those_of_deploy_and_fit():
    found = of_kind(rendered(PRODUCTION), "ConfigMap")
    assert len(found) == len(DASHBOARDS)
    for configmap, path in zip(found, DASHBOARDS, strict=True):
        assert configmap["data"] == {path.name: path.read_text()}
        assert configmap["metadata"]["labels"]["grafana_dashboard"] == "1"
        # What `kubectl apply` notes in an annotation, which holds 256 KiB.
        assert len(yaml.safe_dump(configmap)) < 250_000


def test_a_package_has_what_the_checkout_has(tmp_path):
    done = run_helm("package", CHART, "--destination", tmp_path)
    assert done.returncode == 0, done.stderr
    (package,) = tmp_path.glob("*.tgz")
    assert render(None, "--values", PRODUCTION, chart=package) == rendered(PRODUCTION)


def test_the_readme_and_the_links_are_up_to_date():
    script = REPOSITORY / "Scripts" / "chart_files.py"
    done = subprocess.run([sys.executable, str(script), "check"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


def test_prometheus_finds_the_admin_port_under_the_name_that_rules_count_on():
    documents = rendered(PRODUCTION)
    monitor = named(documents, "ServiceMonitor")
    found = [
        service["metadata"]["name"]
        for service in of_kind(documents, "Service")
        if monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    ]
    assert found == [f"{RELEASE}-admin"]
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] == "admin"
    assert {"targetLabel": "job", "replacement": "fibonacci-api"} in endpoint["relabelings"]
    (port,) = named(documents, "Service", f"{RELEASE}-admin")["spec"]["ports"]
    assert (port["name"], port["targetPort"]) == ("admin", "admin")


@pytest.mark.parametrize("kind", ["NodePort", "LoadBalancer"])
def test_a_service_for_the_outside_keeps_the_addresses_of_clients(kind):
    spec = named(render({"service": {"type": kind}}), "Service")["spec"]
    assert spec["externalTrafficPolicy"] == "Local"
    assert "externalTrafficPolicy" not in named(render(), "Service")["spec"]


@pytest.mark.parametrize("stem", ["production", "rollout-gateway", "ingress", "rollout-ingress"])
def test_what_leads_in_from_outside_leads_to_the_public_port_only(stem):
    documents = rendered(CHART / "ci" / f"{stem}-values.yaml")
    services = {service["metadata"]["name"]: service["spec"] for service in of_kind(documents, "Service")}
    backends = [
        (path["backend"]["service"]["name"], path["backend"]["service"]["port"]["name"])
        for ingress in of_kind(documents, "Ingress")
        for rule in ingress["spec"]["rules"]
        for path in rule["http"]["paths"]
    ] + [
        (backend["name"], services[backend["name"]]["ports"][0]["name"])
        for route in of_kind(documents, "HTTPRoute")
        for rule in route["spec"]["rules"]
        for backend in rule["backendRefs"]
        if backend["port"] == services[backend["name"]]["ports"][0]["port"]
    ]
    assert backends
    for name, port in backends:
        assert port == "http" and services[name]["ports"][0]["targetPort"] == "http"
    for name, spec in services.items():
        if name.endswith("-admin"):
            assert spec["type"] == "ClusterIP"


def test_a_rule_of_a_route_may_be_empty():
    """Of Gateway API: such a rule takes all paths."""
    rules = [{}, {"timeouts": {"request": "1s"}}]
    route = named(render({"httpRoute": {"enabled": True, "rules": rules}}), "HTTPRoute")
    backends = {"backendRefs": [{"name": RELEASE, "port": 80, "weight": 100}]}
    assert route["spec"]["rules"] == [rule | backends for rule in rules]


@pytest.fixture(scope="module")
def chart_of_notes(tmp_path_factory):
    """The chart with its notes as a ConfigMap: without a cluster helm shows none."""
    copy = tmp_path_factory.mktemp("notes") / "fibonacci-api"
    shutil.copytree(CHART, copy)
    notes = (copy / "templates" / "NOTES.txt").read_text()
    document = 'kind: Notes\nmetadata: {name: notes}\ntext: {{ include "notes" . | quote }}\n'
    (copy / "templates" / "notes.yaml").write_text('{{- define "notes" }}' + notes + "{{ end }}" + document)
    return copy


@each_ci_file
def test_the_notes_name_the_workload_and_how_to_ask_it(path, chart_of_notes):
    documents = render(None, "--values", path, chart=chart_of_notes)
    notes = named(documents, "Notes", "notes")["text"]
    name = workload(documents)["metadata"]["name"]
    assert name in notes and "helm test fibonacci-api" in notes and "/v1/fib?n=10" in notes
    assert "{{" not in notes and "<no value>" not in notes
    assert ("image.digest" in notes) == (path != PRODUCTION)


def test_the_notes_warn_of_what_is_missing(chart_of_notes):
    def notes(values: dict) -> str:
        return named(render(values, chart=chart_of_notes), "Notes", "notes")["text"]

    assert "each pod grants each client the whole budget" in notes({})
    assert "each pod grants" not in notes({"redis": {"url": "rediss://redis"}})
    assert "is inconclusive" in notes({"workload": {"kind": "Rollout"}})
    assert "share one budget" in notes({"ingress": {"enabled": True}})
    assert "share one budget" not in notes(
        {"ingress": {"enabled": True}, "rateLimit": {"trustedProxies": ["10.0.0.0/8"]}}
    )


def test_the_notes_of_a_route_for_any_host_say_how_to_ask_it(chart_of_notes):
    values = {"httpRoute": {"enabled": True, "hostnames": []}}
    notes = named(render(values, chart=chart_of_notes), "Notes", "notes")["text"]
    assert "/v1/fib?n=10" in notes and "port-forward" in notes


def test_helm_test_asks_both_ports_through_their_services():
    (pod,) = of_kind(render(), "Pod")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    containers = {container["name"]: container for container in pod["spec"]["containers"]}
    settings = {entry["name"]: entry["value"] for entry in containers["readiness"]["env"]}
    assert settings == {"HOST": f"{RELEASE}-admin", "ADMIN_PORT": "9464"}
    (url,) = [entry["value"] for entry in containers["answer"]["env"]]
    assert url == f"http://{RELEASE}:80/v1/fib?n=10"


def test_the_answer_container_tells_a_right_answer_from_a_wrong_one(service):
    require("curl", "curl")
    (pod,) = of_kind(render(), "Pod")
    (command,) = [container["command"] for container in pod["spec"]["containers"] if container["name"] == "answer"]

    def exit_code(n: int) -> int:
        url = f"http://127.0.0.1:{service.port}/v1/fib?n={n}"
        return subprocess.run(command, env={"URL": url, "PATH": "/usr/bin:/bin"}, timeout=60).returncode

    assert exit_code(10) == 0
    assert exit_code(11) != 0


def test_kinds_that_make_pods_are_all_looked_at():
    kinds = {document["kind"] for path in CI_VALUES for document in rendered(path)}
    assert not kinds & ({"Job", "CronJob", "StatefulSet", "DaemonSet", "ReplicaSet"} - POD_MAKERS)
