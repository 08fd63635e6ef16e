"""The manifests of deploy/redis, as `kubectl kustomize` makes them: valid, restricted, and in agreement."""

from __future__ import annotations

import re
import subprocess
from functools import cache

import kubernetes_validate
import pytest
import yaml
from deployment import GRAFANA, dashboard, load
from redis_production import KINDS, NAMES, REDIS, SCRIPTS, USERS
from redis_server import require
from service import REPOSITORY

ENVIRONMENTS = ("staging", "production")
CUSTOM = {"Certificate", "PodMonitor"}
# Newer ones refuse more, so manifests are held against an old and a recent one.
KUBERNETES = ("1.31", "1.34")
SIZES = {"value: 1gb": "value: 128mb", "memory: 1792Mi": "memory: 320Mi", "storage: 2Gi": "storage: 1Gi"}
SIZES |= {"cpu: 250m": "cpu: 100m", "cpu: '2'": "cpu: '1'", "(160 MiB)": "(40 MiB)"}
UNITS = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "mb": 1 << 20, "gb": 1 << 30}


@cache
def rendered(environment: str) -> list[dict]:
    kubectl = require("kubectl", "kubernetes-client")
    command = [kubectl, "kustomize", str(REDIS / environment)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return [document for document in yaml.safe_load_all(result.stdout) if document]


def of_kind(kind: str, environment: str = "production") -> list[dict]:
    return [document for document in rendered(environment) if document["kind"] == kind]


def pods(environment: str = "production") -> list[tuple[str, dict]]:
    """Name and template of everything that makes pods."""
    sets = [(one["metadata"]["name"], one["spec"]["template"]) for one in of_kind("StatefulSet", environment)]
    jobs = [
        (one["metadata"]["name"], one["spec"]["jobTemplate"]["spec"]["template"])
        for one in of_kind("CronJob", environment)
    ]
    return sets + jobs


def containers(template: dict) -> list[dict]:
    return template["spec"].get("initContainers", []) + template["spec"]["containers"]


def size(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([A-Za-z]+)", text).groups()
    return int(number) * UNITS[unit]


PODS = [pytest.param(template, id=name) for name, template in pods()]


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_kubernetes_takes_them(environment, version):
    for document in rendered(environment):
        if document["kind"] not in CUSTOM:
            kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_all_are_in_the_namespace_of_their_environment(environment):
    assert {one["metadata"]["namespace"] for one in rendered(environment)} == {f"fibonacci-api-{environment}"}
    counted = sorted(one["kind"] for one in rendered(environment))
    assert counted == sorted(one["kind"] for one in rendered("production"))
    assert counted.count("StatefulSet") == 6 and "Secret" not in counted


@pytest.mark.parametrize("template", PODS)
def test_pods_hold_to_the_restricted_profile(template):
    spec = template["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    kinds = {kind for volume in spec["volumes"] for kind in volume if kind != "name"}
    assert kinds <= {"configMap", "secret", "projected", "emptyDir", "persistentVolumeClaim"}
    for container in containers(template):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context.get("runAsUser", spec["securityContext"]["runAsUser"]) >= 999
        assert not any("hostPort" in port for port in container.get("ports", []))


@pytest.mark.parametrize("template", PODS)
def test_containers_have_requests_limits_and_a_pinned_image(template):
    for container in containers(template):
        resources = container["resources"]
        assert set(resources["requests"]) == set(resources["limits"]) == {"cpu", "memory"}, container["name"]
        # kustomize leaves the tag away where there is a digest.
        assert re.search(r"(:[\w.]*\d[\w.-]*|@sha256:[0-9a-f]{64})$", container["image"]), container["image"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_image_is_the_one_of_the_compose_stack(environment):
    images = {one["name"]: one["newTag"] for one in load(REDIS / environment / "kustomization.yaml")["images"]}
    composed = load(REPOSITORY / "compose.yml")["services"]["redis-cache"]["image"].split("@")[0]
    assert f"redis:{images['redis']}" == composed
    assert set(images) == {"redis", "oliver006/redis_exporter"}


@pytest.mark.parametrize("template", PODS)
def test_what_pods_mount_and_run_is_there(template):
    # kubectl before 1.21 leaves the hash away where a name has a suffix.
    maps = {re.sub(r"-[a-z0-9]{10}$", "", one["metadata"]["name"]): one["data"] for one in of_kind("ConfigMap")}
    volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
    claims = {"data"}
    for volume in volumes.values():
        if "configMap" in volume:
            assert re.sub(r"-[a-z0-9]{10}$", "", volume["configMap"]["name"]) in maps
    for container in containers(template):
        assert {mount["name"] for mount in container["volumeMounts"]} <= set(volumes) | claims
        commands = [container.get("command", []), *re.findall(r"'command': (\[[^\]]+\])", str(container))]
        for path in re.findall(r"/scripts/([\w.]+)", str(commands)):
            assert path in maps["redis-scripts"]
            assert (SCRIPTS / path).stat().st_mode & 0o111
    assert set(maps["redis-cache-config"]) == set(maps["redis-limiter-config"]) == {"redis.conf", "users.acl"}


def test_the_limiter_is_made_as_the_cache_is():
    """But for names, sizes, and what is in redis.conf and users.acl."""
    for path in sorted((REDIS / "cache").glob("**/*.yaml")):
        text = path.read_text().replace("redis-cache", "redis-limiter").replace("api-cache", "api-limiter")
        text = text.replace("&cache", "&limiter").replace("*cache", "*limiter")
        if path.name == "statefulset.yaml":
            for ours, theirs in SIZES.items():
                text = text.replace(ours, theirs)
        assert (REDIS / "limiter" / path.relative_to(REDIS / "cache")).read_text() == text, path.name


@pytest.mark.parametrize("kind", KINDS)
def test_settings_differ_only_where_the_purpose_does(kind):
    def directives(name: str) -> dict[str, str]:
        lines = (REDIS / name / "redis.conf").read_text().splitlines()
        return dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))

    both = {name: directives(name) for name in KINDS}
    expected = {"cache": "allkeys-lfu", "limiter": "noeviction"}
    assert both[kind]["maxmemory-policy"] == expected[kind]
    assert both[kind]["port"] == "0" and both[kind]["tls-port"] == "6379"
    assert {both[kind][name] for name in ("tls-replication", "tls-cluster", "cluster-enabled")} == {"yes"}
    different = {
        key for key in both["cache"].keys() | both["limiter"] if both["cache"].get(key) != both["limiter"].get(key)
    }
    assert different == {
        "maxmemory-policy",
        "lazyfree-lazy-eviction",
        "lazyfree-lazy-expire",
        "repl-backlog-size",
        "client-output-buffer-limit",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_users_are_off_by_default_and_allowed_by_name_only(kind):
    lines = (REDIS / kind / "users.acl").read_text().splitlines()
    users = {line.split()[1]: line.split()[2:] for line in lines if line.startswith("user ")}
    assert users.pop("default") == ["off"]
    assert set(users) == {f"fibonacci-api-{kind}", *USERS}
    for name, words in users.items():
        assert words[:2] == ["on", f"@{name}@"], "a password in clear, or none"
        assert {"-@all", "resetkeys", "resetchannels"} <= set(words)
        assert not [word for word in words if word.startswith(("+@", ">", "nopass", "allkeys", "allcommands"))], name
        if name != "operator":
            assert "~*" not in words


@pytest.mark.parametrize("kind", KINDS)
def test_memory_leaves_room_for_what_is_outside_of_maxmemory(kind):
    for one in of_kind("StatefulSet"):
        if not one["metadata"]["name"].startswith(f"redis-{kind}"):
            continue
        redis = next(part for part in one["spec"]["template"]["spec"]["containers"] if part["name"] == "redis")
        maxmemory = size(next(entry["value"] for entry in redis["env"] if entry["name"] == "MAXMEMORY"))
        text = (REDIS / kind / "redis.conf").read_text()
        backlog, replica = (
            size(re.search(pattern, text, re.M).group(1))
            for pattern in (r"^repl-backlog-size (\w+)", r"^client-output-buffer-limit replica (\w+)")
        )
        copied = maxmemory // 4 if kind == "cache" else maxmemory // 2
        limit = size(redis["resources"]["limits"]["memory"])
        assert limit == size(redis["resources"]["requests"]["memory"])
        assert maxmemory * 1.1 + backlog + replica + copied + (30 << 20) <= limit


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_certificate_has_the_names_that_nodes_announce_and_clients_use(kind, environment):
    certificate = next(one for one in of_kind("Certificate", environment) if one["metadata"]["name"] == f"redis-{kind}")
    names = certificate["spec"]["dnsNames"]
    assert {"localhost", f"redis-{kind}", f"*.redis-{kind}-nodes.fibonacci-api-{environment}.svc"} <= set(names)
    assert {"server auth", "client auth"} <= set(certificate["spec"]["usages"])
    pod = next(one for one in of_kind("StatefulSet", environment) if one["metadata"]["name"] == f"redis-{kind}-0")
    redis = next(part for part in pod["spec"]["template"]["spec"]["containers"] if part["name"] == "redis")
    announced = next(entry["value"] for entry in redis["env"] if entry["name"] == "ANNOUNCE_HOSTNAME")
    assert announced == f"$(POD_NAME).redis-{kind}-nodes.$(POD_NAMESPACE).svc"
    assert pod["spec"]["serviceName"] == f"redis-{kind}-nodes"
    assert {name.removeprefix("*.").split(".")[0] for name in NAMES[kind]} <= {
        name.removeprefix("*.").split(".")[0] for name in names
    }


@pytest.mark.parametrize("kind", KINDS)
def test_bootstrap_knows_every_pod(kind):
    job = next(one for one in of_kind("CronJob") if one["metadata"]["name"] == f"redis-{kind}-bootstrap")
    template = job["spec"]["jobTemplate"]["spec"]["template"]
    environment = {entry["name"]: entry["value"] for entry in containers(template)[0]["env"]}
    named = [line.split() for line in environment["REDIS_SHARDS"].splitlines()]
    sets = [one for one in of_kind("StatefulSet") if one["metadata"]["name"].startswith(f"redis-{kind}-")]
    assert named == [
        [f"{one['metadata']['name']}-{number}.redis-{kind}-nodes:6379" for number in range(one["spec"]["replicas"])]
        for one in sets
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_selectors_find_the_nodes_and_nothing_else(kind):
    name = f"redis-{kind}"
    selectors = [one["spec"]["selector"] for one in of_kind("Service") if one["metadata"]["name"].startswith(name)]
    selectors += [
        one["spec"]["selector"]["matchLabels"] for one in of_kind("PodMonitor") + of_kind("PodDisruptionBudget")
    ]
    policies = of_kind("NetworkPolicy")
    selectors += [one["spec"]["podSelector"]["matchLabels"] for one in policies if one["metadata"]["name"] == name]
    ours = [selector for selector in selectors if selector["app.kubernetes.io/name"] == name]
    assert len(ours) == 5
    for selector in ours:
        found = {pod for pod, template in pods() if selector.items() <= template["metadata"]["labels"].items()}
        assert found == {f"{name}-{number}" for number in range(3)}


@pytest.mark.parametrize("kind", KINDS)
def test_only_those_who_have_to_reach_the_nodes(kind):
    name = f"redis-{kind}"
    policy = next(one for one in of_kind("NetworkPolicy") if one["metadata"]["name"] == name)["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    who = {
        tuple(port["port"] for port in rule["ports"]): [
            next(iter(peer.values()))["matchLabels"] for peer in rule["from"]
        ]
        for rule in policy["ingress"]
    }
    own = {"app.kubernetes.io/name": name}
    assert who == {
        (6379,): [{"app.kubernetes.io/name": "fibonacci-api"}, own, {f"{name}-access": "true"}],
        (16379,): [own],
        (9121,): [{"kubernetes.io/metadata.name": "monitoring"}],
    }
    job = next(template for pod, template in pods() if pod == f"{name}-bootstrap")
    assert job["metadata"]["labels"][f"{name}-access"] == "true"


@pytest.mark.parametrize("kind", KINDS)
def test_a_shard_and_the_planned_primaries_are_spread_over_machines(kind):
    for one in of_kind("StatefulSet"):
        if not one["metadata"]["name"].startswith(f"redis-{kind}"):
            continue
        spec = one["spec"]["template"]["spec"]
        apart = spec["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][0]
        assert apart["topologyKey"] == "kubernetes.io/hostname"
        assert apart["matchLabelKeys"] == ["app.kubernetes.io/component"]
        spread = spec["topologySpreadConstraints"][0]
        assert spread["whenUnsatisfiable"] == "DoNotSchedule" and spread["maxSkew"] == 1
        assert spread["matchLabelKeys"] == ["apps.kubernetes.io/pod-index"]
        for selector in (apart["labelSelector"], spread["labelSelector"]):
            assert set(selector) == {"matchExpressions"}, "kustomize must not have added labels that matchLabelKeys has"
        grace = spec["terminationGracePeriodSeconds"]
        assert grace >= 20 + 10 + 15


def test_the_users_passwords_come_from_secrets():
    for name, template in pods():
        assert not re.search(r"'name': '[^']*PASSWORD'[^}]*'value':", str(template)), name


def test_the_jobs_are_those_that_rules_and_dashboard_count_on():
    jobs = {one["metadata"]["name"]: one["spec"]["jobLabel"] for one in of_kind("PodMonitor")}
    assert jobs == {f"redis-{kind}": "app.kubernetes.io/name" for kind in KINDS}
    board = dashboard(GRAFANA / "dashboards" / "redis.json")
    assert 'job="redis-cache"' in str(board)
