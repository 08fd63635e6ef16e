"""Values that are wrong: helm refuses each of them, and says what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from deployment import load
from helm import CHART, CI_VALUES, attempt, refusal, render, workload

DEFAULTS = load(CHART / "values.yaml")
SCHEMA = load(CHART / "values.schema.json")
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
TLS = {"url": "rediss://redis"}


def resolved(schema: dict) -> dict:
    """A schema in the place of a reference to it."""
    while "$ref" in schema:
        schema = SCHEMA["definitions"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def closed_objects(schema: dict, path: tuple = ()) -> Iterator[tuple]:
    """Paths of all objects whose keys are listed, those in lists included (0 stands for an item)."""
    schema = resolved(schema)
    if "properties" in schema:
        if schema.get("additionalProperties") is False:
            yield path
        for key, below in schema["properties"].items():
            yield from closed_objects(below, (*path, key))
    if "items" in schema:
        yield from closed_objects(schema["items"], (*path, 0))


def nested(path: tuple, value):
    for key in reversed(path):
        value = [value] if key == 0 else {key: value}
    return value


def maps(values: dict, path: tuple = ()) -> Iterator[tuple]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield (*path, key)
            yield from maps(value, (*path, key))


CLOSED = list(closed_objects(SCHEMA))
# One refusal a case would take a helm each: a hundred typos at once are told apart by their names.
TYPOS = {path: f"typo{number}x" for number, path in enumerate(CLOSED)}


def merge(one, other):
    if isinstance(one, dict) and isinstance(other, dict):
        return one | {key: merge(one[key], value) if key in one else value for key, value in other.items()}
    if isinstance(one, list) and isinstance(other, list):
        return [merge(one[0], other[0])]
    return other


def test_a_typo_is_refused_at_every_level():
    values: dict = {}
    for path, typo in TYPOS.items():
        values = merge(values, nested((*path, typo), "x"))
    said = refusal(values)
    assert len(CLOSED) > 100
    assert [path for path, typo in TYPOS.items() if f"property {typo} is not allowed" not in said] == []


def test_maps_of_the_defaults_are_closed_but_for_those_whose_keys_are_free():
    free = {("config",), ("podAnnotations",), ("podLabels",), ("nodeSelector",), ("affinity",)}
    open_maps = {path for path in maps(DEFAULTS) if path not in CLOSED}
    names = {path[-1] for path in open_maps - free}
    assert names <= {"annotations", "labels", "requests", "limits", "trafficRouting", "matchLabels"}


@pytest.mark.parametrize("path", CI_VALUES, ids=lambda path: path.stem)
def test_each_value_of_a_ci_file_is_one_that_there_is(path):
    def known(values: dict, schema: dict):
        for key, value in values.items():
            properties = resolved(schema).get("properties")
            assert properties is None or key in properties
            if isinstance(value, dict) and properties:
                known(value, properties[key])

    known(load(path), SCHEMA)


def test_the_defaults_have_every_value_of_the_schema():
    """But for those of Kubernetes' own making, which have too many."""
    own = ("image", "service", "ingress", "httpRoute", "autoscaling", "networkPolicy", "shutdown", "redis", "rateLimit")
    own += ("serviceAccount", "workload", "podDisruptionBudget", "serviceMonitor", "prometheusRule", "grafanaDashboard")
    assert set(SCHEMA["properties"]) - {"global"} == set(DEFAULTS)
    for name in own:
        assert set(SCHEMA["properties"][name]["properties"]) == set(DEFAULTS[name])
    assert set(SCHEMA["properties"]["rollout"]["properties"]) == set(DEFAULTS["rollout"])


@pytest.mark.parametrize(
    "values",
    [
        {"config": {"LOG_LEVEL": ["debug"]}},
        {"config": {"LOG_LEVEL": {"a": "b"}}},
        {"config": {"LOG_LEVEL": "loud"}},
        {"config": {"LOG_LEVL": "debug"}},
        {"config": {"FIB_MAX_N": 1_000_000_001}},
        {"config": {"FIB_MAX_N": 1.5}},
        {"config": {"COMPUTE_THREADS": 0}},
        {"config": {"OTEL_TRACES_SAMPLER_ARG": 1.5}},
        {"config": {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}},
        {"redis": {"url": "http://redis"}},
        {"redis": {"url": "rediss://redis:6379/?timeout=1"}},
        {"redis": {"cluster": "yes"}},
        {"rateLimit": {"budget": -1}},
        {"rateLimit": {"windowSeconds": 0}},
        {"rateLimit": {"trustedProxies": "10.0.0.0/8"}},
        {"rateLimit": {"trustedProxies": ["gateway"]}},
        {"rateLimit": {"trustedProxies": ["10.0.0.1"] * 257}},
        {"rateLimit": {"trustedProxies": ["10.0.0.0/129"]}},
        {"replicaCount": "many"},
        {"image": {"digest": "sha256:abc"}},
        {"image": {"tag": "latest version"}},
        {"image": {"repository": "ghcr.io/example/fibonacci-api:1.2.3"}},
        {"workload": {"kind": "StatefulSet"}},
        {"service": {"port": 70000}},
        {"podDisruptionBudget": {"maxUnavailable": 0}},
        {"podDisruptionBudget": {"maxUnavailable": "0%"}},
        {"podDisruptionBudget": {"minAvailable": 1}},
        {"autoscaling": {"minReplicas": 0}},
        {"resources": {"limits": {"memory": "512 MB"}}},
        {"resources": {"limits": {"memmory": "512Mi"}}},
        {"networkPolicy": {"ingress": {"http": [{}]}}},
        {"extraEnv": [{"name": "A B", "value": "x"}]},
        {"extraEnv": [{"name": "A", "value": 1}]},
        {"volumes": [{"name": "node", "hostPath": {"path": "/"}}]},
        {"volumes": [{"name": "nothing"}]},
        {"fullnameOverride": "Not_A_Name"},
        {"rollout": {"analysis": {"withoutTraffic": "Pass"}}},
        {"rollout": {"steps": [{"setWeight": 101}]}},
        {"serviceMonitor": {"interval": "often"}},
    ],
    ids=json.dumps,
)
def test_a_malformed_value_is_refused(values):
    assert "don't meet the specifications of the schema" in refusal(values)


@pytest.mark.parametrize(
    "name, instead",
    [
        ("PORT", "service.port"),
        ("REDIS_URL", "redis.url"),
        ("REDIS_CLUSTER", "redis.cluster"),
        ("REDIS_PASSWORD_FILE", "redis.existingSecret"),
        ("REDIS_CA_FILE", "redis.tls.caSecret"),
        ("RATE_LIMIT_BUDGET", "rateLimit.budget"),
        ("TRUSTED_PROXIES", "rateLimit.trustedProxies"),
        ("RATE_LIMIT_REDIS_URL", "rateLimit.redis.url"),
        ("SHUTDOWN_DRAIN_SECONDS", "shutdown.drainSeconds"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "extraEnv"),
    ],
)
def test_a_variable_with_a_value_of_its_own_is_refused_with_the_name_of_that(name, instead):
    said = refusal({"config": {name: "1"}})
    assert f"config.{name} is refused" in said and instead in said


@pytest.mark.parametrize(
    "values, said",
    [
        ({"redis": {"url": "rediss://user:secret@redis"}}, "redis.url holds a password"),
        ({"rateLimit": {"redis": {"url": "redis://:secret@redis"}}}, "rateLimit.redis.url holds a password"),
        ({"redis": {"existingSecret": "a"}}, "belong to redis.url"),
        ({"rateLimit": {"redis": {"cluster": True}}}, "belong to rateLimit.redis.url"),
        ({"redis": TLS | {"tls": {"caSecret": "a", "caConfigMap": "b"}}}, "exclude each other"),
        ({"redis": TLS | {"tls": {"caSecret": "a", "ca": PEM}}}, "exclude each other"),
        ({"redis": {"url": "redis://redis", "tls": {"caSecret": "a"}}}, "begins with rediss://"),
        ({"rateLimit": {"budget": 208}}, "F(10000000) costs 209"),
        ({"config": {"FIB_MAX_N": 100_000_000}}, "F(100000000) costs 2090"),
        ({"shutdown": {"timeoutSeconds": 29}}, "HTTP_WRITE_TIMEOUT_SECONDS"),
        ({"config": {"HTTP_WRITE_TIMEOUT_SECONDS": 31}}, "HTTP_WRITE_TIMEOUT_SECONDS"),
        ({"autoscaling": {"enabled": True, "minReplicas": 5, "maxReplicas": 4}}, "minReplicas is more than"),
        ({"autoscaling": {"enabled": True, "targetCPUUtilizationPercentage": None}}, "needs a metric"),
        ({"autoscaling": {"enabled": True}, "resources": {"requests": None}}, "which is not set"),
        ({"serviceMonitor": {"enabled": True}, "config": {"OTEL_METRICS_EXPORTER": "none"}}, "nothing to scrape"),
        ({"podLabels": {"app.kubernetes.io/name": "x"}}, "podLabels.app.kubernetes.io/name is refused"),
        ({"volumes": [{"name": "redis-ca", "emptyDir": {}}]}, "volumes has redis-ca"),
        ({"podAnnotations": {"checksum/config": "x"}}, "podAnnotations.checksum/config is refused"),
        ({"extraEnv": [{"name": "PORT", "value": "1"}]}, "extraEnv has PORT"),
        ({"extraEnv": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}, "extraEnv has A"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_values_that_contradict_each_other_are_refused_with_a_way_out(values, said):
    assert said in refusal(values)


@pytest.mark.parametrize(
    "values",
    [
        {"rateLimit": {"budget": 209}},
        {"rateLimit": {"budget": 0}, "config": {"FIB_MAX_N": 1_000_000_000}},
        {"rateLimit": {"budget": 1}, "config": {"FIB_MAX_N": 0}},
        {"rateLimit": {"budget": 2090}, "config": {"FIB_MAX_N": "100000000"}},
        {"shutdown": {"timeoutSeconds": 5}, "config": {"HTTP_WRITE_TIMEOUT_SECONDS": "5"}},
        {"podDisruptionBudget": {"maxUnavailable": "100%"}},
        {"extraEnv": [{"name": "REDIS_URL", "valueFrom": {"secretKeyRef": {"name": "a", "key": "url"}}}]},
        {"podSecurityContext": {"runAsUser": 1000680000, "fsGroup": 1000680000}},
        {"global": {"anything": True}},
        {"livenessProbe": None},
        {"image": {"repository": "localhost:5000/fibonacci-api"}},
        {"networkPolicy": {"extraEgress": None}, "redis": {"url": None}, "resources": None},
    ],
    ids=json.dumps,
)
def test_what_only_looks_odd_is_taken(values):
    assert workload(render(values))


@pytest.mark.parametrize("release", ["1st", "fib.v1"])
def test_a_release_whose_services_could_not_be_named_is_refused(release):
    done = attempt(None, release=release)
    assert done.returncode != 0 and "set fullnameOverride" in done.stderr
    assert render({"fullnameOverride": "fib"}, release=release)


def required(schema: dict, path: tuple = ()) -> Iterator[tuple]:
    """Paths of the values that templates cannot do without."""
    for name in schema.get("required", []):
        yield (*path, name)
        yield from required(schema["properties"][name], (*path, name))


REQUIRED = list(required(SCHEMA))
SECTIONS = {path for path in REQUIRED if any(other[: len(path)] == path != other for other in REQUIRED)}


@pytest.mark.parametrize(
    "taken",
    [
        [path for path in REQUIRED if path not in SECTIONS],
        [path for path in SECTIONS if len(path) == 1],
        [path for path in SECTIONS if len(path) == 2],
    ],
    ids=["values", "sections", "sections in sections"],
)
def test_a_value_that_templates_need_is_missed_by_its_name(taken):
    """Null takes a default away, and so does a key whose lines are all commented out."""
    values: dict = {}
    for path in taken:
        values = merge(values, nested(path, None))
    said = refusal(values)
    missed = [f"{'.'.join(path[:-1]) or '(root)'}: {path[-1]} is required" for path in taken]
    assert missed and [line for line in missed if line not in said] == []


def nulls(value: object) -> bool:
    if isinstance(value, dict | list):
        return any(map(nulls, value.values() if isinstance(value, dict) else value))
    return value is None


@pytest.mark.parametrize("path", CI_VALUES, ids=lambda path: path.stem)
def test_any_other_value_may_be_taken_away(path):
    def without(values: dict, at: tuple = ()) -> dict:
        left = {}
        for key, value in values.items():
            here = (*at, key)
            if isinstance(value, dict) and here in SECTIONS:
                left[key] = without(value, here)
            elif here not in REQUIRED and here not in of_autoscaler:
                left[key] = None
        return left

    # An autoscaler without them is refused by a message of its own.
    of_autoscaler = {("resources",), ("autoscaling", "targetCPUUtilizationPercentage")}
    for document in render(merge(without(DEFAULTS), load(path))):
        assert not nulls(document), document


def test_the_cost_of_the_largest_n_is_the_services_own(service):
    for n in (0, 1, 4, 5, 47_847, 47_852, 95_698, 9_999_999, 10_000_000):
        cost = service.request(f"/v1/cost?n={n}").json()["cost"]
        assert workload(render({"config": {"FIB_MAX_N": n}, "rateLimit": {"budget": cost}}))
        if cost > 1:
            assert f"costs {cost} " in refusal({"config": {"FIB_MAX_N": n}, "rateLimit": {"budget": cost - 1}})
