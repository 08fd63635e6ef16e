"""The chart's Rollout and its autoscaler: what they refer to is there."""

from __future__ import annotations

import re

import pytest
from deployment import DEPLOY, EXPORTED, load, metrics_of
from helm import CHART, NAMESPACE, RELEASE, named, of_kind, render, rendered, workload

REPLICAS = CHART / "ci" / "rollout-values.yaml"
GATEWAY = CHART / "ci" / "rollout-gateway-values.yaml"
INGRESS = CHART / "ci" / "rollout-ingress-values.yaml"
ADAPTER = load(DEPLOY / "prometheus" / "adapter" / "values.yaml")["rules"]
ROLLOUT = {"workload": {"kind": "Rollout"}}

each_rollout = pytest.mark.parametrize("path", [REPLICAS, GATEWAY, INGRESS], ids=lambda path: path.stem)


def analyses(documents: list[dict]) -> list[dict]:
    steps = workload(documents)["spec"]["strategy"]["canary"]["steps"]
    return [step["analysis"] for step in steps if "analysis" in step]


@each_rollout
def test_there_is_one_workload(path):
    assert [document["kind"] for document in rendered(path) if document["kind"] in ("Deployment", "Rollout")] == [
        "Rollout"
    ]


def test_pod_and_selector_are_the_same_as_those_of_a_deployment():
    deployment, rollout = workload(render()), workload(render(ROLLOUT))
    assert rollout["metadata"]["name"] == deployment["metadata"]["name"]
    assert rollout["spec"]["selector"] == deployment["spec"]["selector"]
    one, other = (document["spec"]["template"] for document in (deployment, rollout))
    assert one["metadata"] == other["metadata"]
    for spec, key in ((one["spec"], "pod-template-hash"), (other["spec"], "rollouts-pod-template-hash")):
        assert all(rule["matchLabelKeys"] == [key] for rule in spec.pop("topologySpreadConstraints"))
    assert one["spec"] == other["spec"]


@each_rollout
def test_a_version_that_does_not_become_ready_goes_back(path):
    spec = workload(rendered(path))["spec"]
    assert spec["progressDeadlineAbort"] is True
    assert spec["progressDeadlineSeconds"] > spec["minReadySeconds"]
    assert spec["rollbackWindow"]["revisions"] <= spec["revisionHistoryLimit"]


@pytest.mark.parametrize(
    "rollout",
    [{"steps": []}, {"steps": [{"analysis": {}}], "analysis": {"enabled": False}}],
    ids=["none", "no analysis"],
)
def test_without_steps_there_is_an_empty_list(rollout):
    """The API server takes no null for a list of a custom resource."""
    assert workload(render(ROLLOUT | {"rollout": rollout}))["spec"]["strategy"]["canary"]["steps"] == []


@each_rollout
def test_each_analysis_names_templates_that_there_are_and_gives_all_that_they_ask_for(path):
    documents = rendered(path)
    templates = {template["metadata"]["name"]: template for template in of_kind(documents, "AnalysisTemplate")}
    assert len(analyses(documents)) == (0 if path == INGRESS else 2)
    assert len(templates) == (0 if path == INGRESS else 3)
    for analysis in analyses(documents):
        assert {reference["templateName"] for reference in analysis["templates"]} == set(templates)
        given = {argument["name"]: argument for argument in analysis["args"]}
        assert given["pod-template-hash"]["valueFrom"] == {"podTemplateHashValue": "Latest"}
        for template in templates.values():
            assert {argument["name"] for argument in template["spec"]["args"]} == set(given)
            (metric,) = template["spec"]["metrics"]
            query = metric["provider"]["prometheus"]["query"]
            assert set(re.findall(r"{{args\.([^}]*)}}", query)) == set(given)
            assert metrics_of(query) <= EXPORTED


def test_no_step_lets_a_version_through_before_it_has_been_looked_at():
    for path in (REPLICAS, GATEWAY):
        steps = workload(rendered(path))["spec"]["strategy"]["canary"]["steps"]
        kinds = [next(iter(step)) for step in steps]
        last_weight = max(index for index, kind in enumerate(kinds) if kind == "setWeight")
        assert "analysis" in kinds[: kinds.index("setWeight", kinds.index("setWeight") + 1)]
        assert "analysis" in kinds[last_weight:]


def test_prometheus_gets_the_label_by_which_new_pods_are_told_apart():
    monitor = named(rendered(REPLICAS), "ServiceMonitor")
    assert monitor["spec"]["podTargetLabels"] == ["rollouts-pod-template-hash"]


@pytest.mark.parametrize("path", [GATEWAY, INGRESS], ids=lambda path: path.stem)
def test_routing_by_weight_has_a_service_for_each_side(path):
    documents = rendered(path)
    canary = workload(documents)["spec"]["strategy"]["canary"]
    sides = [named(documents, "Service", canary[side])["spec"] for side in ("stableService", "canaryService")]
    assert sides[0]["selector"] == sides[1]["selector"], "the controller adds what tells them apart"
    assert canary["stableService"] != canary["canaryService"]
    for route in of_kind(documents, "HTTPRoute"):
        for rule in route["spec"]["rules"]:
            weights = {backend["name"]: backend["weight"] for backend in rule["backendRefs"]}
            assert weights == {canary["stableService"]: 100, canary["canaryService"]: 0}
    for ingress in of_kind(documents, "Ingress"):
        backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"]
        assert backend == canary["stableService"]
        assert canary["trafficRouting"]["nginx"]["stableIngress"] == ingress["metadata"]["name"]


def test_pods_by_number_need_no_second_service():
    documents = rendered(REPLICAS)
    canary = workload(documents)["spec"]["strategy"]["canary"]
    assert not {"stableService", "canaryService", "trafficRouting"} & set(canary)
    assert not [service for service in of_kind(documents, "Service") if service["metadata"]["name"].endswith("-canary")]


def test_the_autoscaler_asks_for_what_the_adapter_serves():
    documents = rendered(CHART / "ci" / "production-values.yaml")
    metrics = named(documents, "HorizontalPodAutoscaler")["spec"]["metrics"]
    served = {rule["name"]["as"]: rule for rule in ADAPTER["custom"]}
    assert [metric["type"] for metric in metrics] == ["Resource", "Pods", "Object"]
    of_pods, of_service = metrics[1]["pods"], metrics[2]["object"]
    assert set(served) == {of_pods["metric"]["name"], of_service["metric"]["name"]}
    assert "pod" in served[of_pods["metric"]["name"]]["resources"]["overrides"]
    assert "service" in served[of_service["metric"]["name"]]["resources"]["overrides"]
    # The service that Prometheus puts into the label is the one that it scrapes through.
    described = named(documents, "Service", of_service["describedObject"]["name"])
    assert (
        named(documents, "ServiceMonitor")["spec"]["selector"]["matchLabels"].items()
        <= described["metadata"]["labels"].items()
    )


def test_the_autoscaler_is_quick_up_and_slow_down():
    behavior = named(render({"autoscaling": {"enabled": True}}), "HorizontalPodAutoscaler")["spec"]["behavior"]
    up, down = behavior["scaleUp"], behavior["scaleDown"]
    assert up["stabilizationWindowSeconds"] == 0
    assert down["stabilizationWindowSeconds"] >= 120
    for replicas in (3, 12, 100):
        assert change(up, replicas) / 2 > change(down, replicas)
    assert change(down, 3) == 1, "one pod at a time where there are few"


def change(rules: dict, replicas: int) -> int:
    """The most pods that may come or go in a minute."""
    pods = [
        (policy["value"] if policy["type"] == "Pods" else -(-replicas * policy["value"] // 100))
        * (60 // policy["periodSeconds"])
        for policy in rules["policies"]
    ]
    assert rules["selectPolicy"] == "Max"
    return max(pods)


def test_names_follow_the_release():
    documents = render(ROLLOUT, release="canary-test")
    name = workload(documents)["metadata"]["name"]
    assert name == "canary-test-fibonacci-api" != RELEASE
    assert all(reference["templateName"].startswith(name) for reference in analyses(documents)[0]["templates"])
    query = of_kind(documents, "AnalysisTemplate")[0]["spec"]["metrics"][0]["provider"]["prometheus"]["query"]
    assert f'namespace="{NAMESPACE}"' in query
