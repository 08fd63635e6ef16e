"""The chart's NetworkPolicy, read as a cluster reads it: who gets where, and who does not."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

import pytest
from helm import CHART, CI_VALUES, NAMESPACE, named, of_kind, render, rendered, workload

PRODUCTION = CHART / "ci" / "production-values.yaml"
NAME = "app.kubernetes.io/name"


@dataclass(frozen=True)
class Peer:
    """A pod of a namespace, or an address outside of the cluster."""

    namespace: str | None = None
    labels: dict = field(default_factory=dict)
    address: str | None = None

    def matches(self, peer: dict) -> bool:
        """What a peer of a NetworkPolicy says of it."""
        assert set(peer) <= {"namespaceSelector", "podSelector", "ipBlock"} and peer
        if "ipBlock" in peer:
            block = ipaddress.ip_network(peer["ipBlock"]["cidr"])
            return self.address is not None and ipaddress.ip_address(self.address) in block
        if self.namespace is None:
            return False
        if "namespaceSelector" in peer:
            in_namespace = selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": self.namespace})
        else:
            in_namespace = self.namespace == NAMESPACE
        return in_namespace and selects(peer.get("podSelector", {}), self.labels)


def selects(selector: dict, labels: dict) -> bool:
    assert set(selector) <= {"matchLabels"}
    return selector.get("matchLabels", {}).items() <= labels.items()


def passes(rules: list[dict], direction: str, peer: Peer, port: int | str, protocol: str = "TCP") -> bool:
    """Whether one of the rules lets something through; a rule without peers is for everybody."""
    return any(
        (not rule.get(direction) or any(peer.matches(one) for one in rule[direction]))
        and (
            not rule.get("ports")
            or any(one["port"] == port and one.get("protocol", "TCP") == protocol for one in rule["ports"])
        )
        for rule in rules
    )


def comes_in(policy: dict, peer: Peer, port: str) -> bool:
    return passes(policy["spec"]["ingress"], "from", peer, port)


def gets_out(policy: dict, peer: Peer, port: int | str, protocol: str = "TCP") -> bool:
    return passes(policy["spec"]["egress"], "to", peer, port, protocol)


GATEWAY = Peer("gateway", {"app": "envoy"})
PROMETHEUS = Peer("monitoring", {NAME: "prometheus"})
NEIGHBOUR = Peer(NAMESPACE, {NAME: "something-else"})
STRANGER = Peer("default", {NAME: "fibonacci-api"})
INTERNET = Peer(address="203.0.113.9")
METADATA = Peer(address="169.254.169.254")
DNS = Peer("kube-system", {"k8s-app": "kube-dns"})
CACHE = Peer(NAMESPACE, {NAME: "redis-cache"})
LIMITER = Peer(NAMESPACE, {NAME: "redis-limiter"})
ELSEWHERE = Peer("fibonacci-api-staging", {NAME: "redis-cache"})
TEST = Peer(NAMESPACE, {NAME: "fibonacci-api-test", "app.kubernetes.io/instance": "fibonacci-api"})


@pytest.fixture(scope="module")
def policy() -> dict:
    return named(rendered(PRODUCTION), "NetworkPolicy")


def test_it_is_about_the_pods_and_both_directions(policy):
    labels = workload(rendered(PRODUCTION))["spec"]["template"]["metadata"]["labels"]
    assert selects(policy["spec"]["podSelector"], labels)
    assert set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}


@pytest.mark.parametrize(
    "peer, ports",
    [
        (GATEWAY, {"http"}),
        (PROMETHEUS, {"admin"}),
        (TEST, {"http", "admin"}),
        (NEIGHBOUR, set()),
        (STRANGER, set()),
        (INTERNET, set()),
    ],
)
def test_who_comes_in(policy, peer, ports):
    assert {port for port in ("http", "admin") if comes_in(policy, peer, port)} == ports


@pytest.mark.parametrize(
    "peer, ports",
    [
        (DNS, {53}),
        (CACHE, {6379}),
        (LIMITER, {6379}),
        (PROMETHEUS, {4318}),
        (ELSEWHERE, set()),
        (NEIGHBOUR, set()),
        (GATEWAY, set()),
        (INTERNET, set()),
        (METADATA, set()),
        (Peer("kube-system", {"k8s-app": "other"}), set()),
    ],
)
def test_where_pods_get(policy, peer, ports):
    assert {port for port in (53, 80, 443, 4317, 4318, 6379, 6443, 9090) if gets_out(policy, peer, port)} == ports


def test_dns_is_asked_both_ways(policy):
    assert gets_out(policy, DNS, 53, "UDP") and gets_out(policy, DNS, 53, "TCP")


def test_without_redis_and_collector_there_is_no_way_to_them():
    policy = named(render(), "NetworkPolicy")
    assert len(policy["spec"]["egress"]) == 1
    assert gets_out(policy, DNS, 53, "UDP")


@pytest.mark.parametrize(
    "url, port",
    [
        ("http://collector", 80),
        ("https://collector", 443),
        ("https://collector/path", 443),
        ("http://collector:4318/", 4318),
        ("http://[2001:db8::1]:9", 9),
    ],
)
def test_the_port_of_the_collector_is_that_of_its_url(url, port):
    policy = named(render({"config": {"OTEL_EXPORTER_OTLP_ENDPOINT": url}}), "NetworkPolicy")
    assert gets_out(policy, PROMETHEUS, port)


@pytest.mark.parametrize(
    "url, port",
    [("redis://cache", 6379), ("rediss://user@cache:6380", 6380), ("rediss://cache:7000/2", 7000)],
)
def test_the_port_of_redis_is_that_of_its_url(url, port):
    policy = named(render({"redis": {"url": url}}), "NetworkPolicy")
    assert gets_out(policy, CACHE, port)


@pytest.mark.parametrize("path", CI_VALUES, ids=lambda path: path.stem)
def test_no_rule_is_for_everybody(path):
    for policy in of_kind(rendered(path), "NetworkPolicy"):
        for rule in policy["spec"]["ingress"]:
            assert rule["from"]
        for rule in policy["spec"]["egress"]:
            assert rule["to"] and rule["ports"]
        assert set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}


def test_a_list_without_peers_closes_the_way():
    closed = {"ingress": {"http": [], "admin": []}, "egress": {"dns": [], "redisCache": [], "otlp": []}}
    values = {"networkPolicy": closed, "redis": {"url": "redis://redis-cache"}}
    policy = named(render(values), "NetworkPolicy")
    assert not comes_in(policy, GATEWAY, "http") and not comes_in(policy, PROMETHEUS, "admin")
    assert policy["spec"]["egress"] == []


def test_the_test_pod_is_let_in_where_names_differ():
    documents = render({"nameOverride": "other"}, release="r")
    test = Peer(NAMESPACE, of_kind(documents, "Pod")[0]["metadata"]["labels"])
    service = Peer(NAMESPACE, workload(documents)["spec"]["template"]["metadata"]["labels"])
    policy, policy_of_test = (named(documents, "NetworkPolicy", name) for name in ("r-other", "r-other-test"))
    assert selects(policy_of_test["spec"]["podSelector"], test.labels)
    assert not selects(policy_of_test["spec"]["podSelector"], service.labels)
    for port in ("http", "admin"):
        assert comes_in(policy, test, port)
        assert gets_out(policy_of_test, service, port)
        assert not gets_out(policy_of_test, CACHE, port)
    assert gets_out(policy_of_test, DNS, 53, "UDP")
    assert policy_of_test["spec"]["ingress"] == []
