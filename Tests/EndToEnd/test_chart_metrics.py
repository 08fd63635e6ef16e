"""What an analysis and the autoscaler ask Prometheus, asked of one that scrapes good and bad versions under traffic."""

from __future__ import annotations

import itertools
import math
import pathlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml
from deployment import DEPLOY, load
from helm import NAMESPACE, RELEASE, of_kind, render
from prometheus_server import PrometheusServer
from service import Service, wait_until

MINIMUM = 10
SERVICE = f"{RELEASE}-admin"
ELSEWHERE = "fibonacci-api-staging"
ADAPTER = {
    rule["name"]["as"]: rule for rule in load(DEPLOY / "prometheus" / "adapter" / "values.yaml")["rules"]["custom"]
}

# Versions by the hash of their pods' template; each runs, and each is asked in its own way.
VERSIONS = {
    "good": {},
    # One computation at a time and a queue for none: what comes meanwhile gets 503.
    "failing": {"COMPUTE_THREADS": 1, "COMPUTE_QUEUE_COST": 1, "FIB_MAX_N": 20_000_000},
    # All wait for one slow thread.
    "slow": {
        "COMPUTE_THREADS": 1,
        "COMPUTE_QUEUE_COST": 1_000_000,
        "FIB_MAX_N": 60_000_000,
        "ARITHMETIC_KERNEL": "baseline",
    },
    "crashing": {},
    "idle": {},
}
CLIENTS = {"good": 1, "failing": 4, "slow": 8, "crashing": 0, "idle": 0}
FIRST = {"good": 10, "failing": 13_000_000, "slow": 50_000_000}


class LabelledPrometheus(PrometheusServer):
    """Scrapes each version with the labels that the Prometheus operator gives to a pod."""

    def _write_configuration(self, directory: pathlib.Path, targets: dict[str, int]) -> None:
        super()._write_configuration(directory, 0)
        path = directory / "prometheus.yml"
        configuration = load(path)
        configuration["rule_files"] = []
        (job,) = configuration["scrape_configs"]
        job["static_configs"] = [
            {
                "targets": [f"127.0.0.1:{port}"],
                "labels": {
                    "namespace": ELSEWHERE if version == "idle" else NAMESPACE,
                    "pod": f"{RELEASE}-{version}",
                    "service": SERVICE,
                    "rollouts_pod_template_hash": version,
                },
            }
            for version, port in targets.items()
        ]
        path.write_text(yaml.safe_dump(configuration))


@dataclass
class Client:
    """Asks one service again and again, for a new n each time, until it is stopped."""

    service: Service
    first: int
    stopping: threading.Event

    def __post_init__(self):
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        for n in itertools.count(self.first, 100):
            if self.stopping.is_set():
                return
            self.service.fib(n, timeout=30)
            self.stopping.wait(0.02)


@pytest.fixture(scope="module")
def prometheus(binary: str) -> Iterator[LabelledPrometheus]:
    services = {version: Service(read_stdout=False, **settings) for version, settings in VERSIONS.items()}
    stopping = threading.Event()
    clients: list[Client] = []
    try:
        for service in services.values():
            service.start()
        with LabelledPrometheus({name: service.admin_port for name, service in services.items()}) as server:
            for name, count in CLIENTS.items():
                clients += [Client(services[name], FIRST[name] + index, stopping) for index in range(count)]
            again = threading.Thread(target=restart, args=(services["crashing"], server))
            again.start()
            yield server
            again.join(30)
    finally:
        stopping.set()
        for client in clients:
            client.thread.join(30)
        for service in services.values():
            service.kill()


def restart(service: Service, prometheus: PrometheusServer) -> None:
    """Ends a service as a crash does, once it has been scraped, and starts it again on its port."""
    scraped = f'process_start_time_seconds{{instance="127.0.0.1:{service.admin_port}"}}'
    wait_until(lambda: prometheus.query(scraped), 30, "a scrape of what will crash", 0.1)
    service.kill()
    service.start()


def metric(name: str, **analysis) -> dict:
    """The metric of an AnalysisTemplate as the chart renders it, with a window for scrapes of every second."""
    values = {
        "workload": {"kind": "Rollout"},
        "rollout": {"analysis": {"window": "15s", "minimumRequests": MINIMUM} | analysis},
    }
    templates = {template["metadata"]["name"]: template for template in of_kind(render(values), "AnalysisTemplate")}
    return templates[f"{RELEASE}-{name}"]["spec"]["metrics"][0]


def measure(prometheus: PrometheusServer, wanted: dict, version: str) -> str:
    """What Argo Rollouts makes of a measurement: the failure condition first, and neither is inconclusive."""
    query = wanted["provider"]["prometheus"]["query"].replace("{{args.pod-template-hash}}", version)
    result = [value for _, value in prometheus.query(query)]
    assert len(result) <= 1 and all(map(math.isfinite, result)), result
    if holds(wanted["failureCondition"], result):
        return "Failed"
    return "Successful" if holds(wanted["successCondition"], result) else "Inconclusive"


def holds(condition: str, result: list[float]) -> bool:
    """A condition in Argo's language, which for these few words is Python's but for two operators."""
    assert re.fullmatch(r"(len\(result\)|result\[0\]|[<>=]{1,2}|&&|\|\||[0-9.]+|\s)+", condition), condition
    python = condition.replace("&&", " and ").replace("||", " or ")
    return eval(python, {"__builtins__": {}}, {"len": len, "result": result})


@pytest.mark.parametrize(
    "name, version, phase",
    [
        ("error-ratio", "failing", "Failed"),
        ("error-ratio", "good", "Successful"),
        ("latency", "slow", "Failed"),
        ("latency", "good", "Successful"),
        ("error-ratio", "slow", "Successful"),
        ("faults", "crashing", "Failed"),
        ("faults", "good", "Successful"),
    ],
)
def test_a_bad_version_fails_its_analysis_and_a_good_one_beside_it_does_not(prometheus, name, version, phase):
    wanted = metric(name)
    wait_until(lambda: measure(prometheus, wanted, version) == phase, 60, f"{name} of {version} is {phase}", 0.25)


@pytest.mark.parametrize("version", ["idle", "not-there"])
@pytest.mark.parametrize("name", ["error-ratio", "latency"])
def test_a_version_that_nobody_asks_is_inconclusive_unless_it_may_pass(prometheus, name, version):
    assert measure(prometheus, metric(name), version) == "Inconclusive"
    assert measure(prometheus, metric(name, withoutTraffic="Successful"), version) == "Successful"


def test_pods_that_prometheus_does_not_see_are_never_let_through(prometheus):
    for choice in ("Inconclusive", "Successful"):
        assert measure(prometheus, metric("faults", withoutTraffic=choice), "not-there") == "Inconclusive"


def test_too_few_requests_are_as_none(prometheus):
    wanted = metric("error-ratio", minimumRequests=1_000_000)
    assert measure(prometheus, wanted, "failing") == "Inconclusive"


def ask(prometheus: PrometheusServer, name: str, matchers: str, group: str) -> dict[str, float]:
    """The values by object, as the adapter asks for them."""
    rule = ADAPTER[name]
    series = re.match(r"\w+", rule["seriesQuery"])[0]
    assert re.search(rule["name"]["matches"], series)
    query = rule["metricsQuery"].replace("<<.Series>>", series).replace("<<.LabelMatchers>>", matchers)
    query = query.replace("<<.GroupBy>>", group)
    assert "<<" not in query
    found = prometheus.query(query)
    assert all(set(labels) == {group} for labels, _ in found), "one series for each object"
    return {labels[group]: value for labels, value in found}


@pytest.mark.parametrize("name", ADAPTER)
def test_the_adapter_finds_the_series_and_their_objects(prometheus, name):
    found = prometheus.get("series", **{"match[]": ADAPTER[name]["seriesQuery"]})
    assert found
    for label in ADAPTER[name]["resources"]["overrides"]:
        assert all(series[label] for series in found)


def test_each_pod_has_its_requests_in_flight(prometheus):
    pods = [f"{RELEASE}-{version}" for version in ("good", "slow")]
    matchers = f'namespace="{NAMESPACE}",pod=~"{"|".join(pods)}"'

    def values() -> dict[str, float]:
        return ask(prometheus, "fibonacci_api_active_requests", matchers, "pod")

    found = wait_until(lambda: values() if values().get(pods[1], 0) > 2 else None, 60, "requests in flight", 0.25)
    assert set(found) == set(pods)
    assert found[pods[0]] < found[pods[1]] <= CLIENTS["slow"]


def test_the_percentile_is_of_the_pods_of_one_namespace(prometheus):
    def value(namespace: str) -> float:
        matchers = f'namespace="{namespace}",service="{SERVICE}"'
        return ask(prometheus, "fibonacci_api_p95_seconds", matchers, "service").get(SERVICE, math.nan)

    wait_until(lambda: value(NAMESPACE) > 0.1, 60, "a slow percentile", 0.25)
    assert value(ELSEWHERE) == 0, "without requests it is 0: the autoscaler may take pods away"
