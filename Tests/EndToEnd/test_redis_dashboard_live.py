"""Real exporters beside real nodes of deploy/redis: all that rules and dashboard name is there, and is no alert."""

from __future__ import annotations

import itertools
import math
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.request import urlopen

import pytest
from deployment import GRAFANA, OF_REDIS, PROMETHEUS, Query, dashboard, load, metrics_of, panels, queries, rules
from prometheus_server import PrometheusServer
from redis_production import KINDS, REDIS, Node, ProductionCluster
from redis_server import require
from service import Service, free_ports, wait_until

BOARD = dashboard(GRAFANA / "dashboards" / "redis.json")
NAMESPACE = "fibonacci-api-production"
VARIABLES = {"namespace": ".*", "job": "redis-(cache|limiter)", "instance": ".*", "__rate_interval": "15s"}
RULES = [rule for group in load(PROMETHEUS / "rules" / "redis.yml")["groups"] for rule in group["rules"]]


class Exporter:
    """The sidecar of a node, with the environment that the manifest gives it."""

    def __init__(self, node: Node):
        kind = node.cluster.kind
        self.node, self.port = node, free_ports(1)[0]
        pod = load(REDIS / kind / "nodes" / "statefulset.yaml")["spec"]["template"]["spec"]
        container = next(one for one in pod["containers"] if one["name"] == "exporter")
        environment = {entry["name"]: entry.get("value") for entry in container["env"]}
        environment["REDIS_ADDR"] = environment["REDIS_ADDR"].replace("6379", str(node.port))
        environment["REDIS_PASSWORD"] = node.cluster.passwords["exporter"]
        environment["REDIS_EXPORTER_TLS_CA_CERT_FILE"] = str(node.cluster.tls / "ca.crt")
        program = require("prometheus-redis-exporter", "prometheus-redis-exporter")
        self.process = subprocess.Popen(
            [program, f"-web.listen-address=127.0.0.1:{self.port}"],
            env={"PATH": os.environ["PATH"]} | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @property
    def job(self) -> dict:
        labels = {"namespace": NAMESPACE, "instance": f"{self.node.cluster.name}-{self.node.name}"}
        return {"targets": [f"127.0.0.1:{self.port}"], "labels": labels}

    def answers(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=2) as response:
                return b"redis_up 1" in response.read()
        except OSError:
            return False

    def close(self) -> None:
        self.process.kill()
        self.process.wait(10)


class Traffic(threading.Thread):
    """Asks for values, new ones and known ones, until it is stopped."""

    def __init__(self, service: Service):
        super().__init__(daemon=True)
        self.service, self.stopping = service, threading.Event()

    def __enter__(self) -> Traffic:
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stopping.set()
        self.join(30)

    def run(self) -> None:
        for number in itertools.count():
            self.service.fib(20_000 + number)
            self.service.fib(20_000 + number // 2)
            if self.stopping.wait(0.1):
                return


@dataclass
class Live:
    clusters: dict[str, ProductionCluster]
    prometheus: PrometheusServer


@pytest.fixture(scope="module")
def live(binary: str) -> Iterator[Live]:
    clusters = {kind: ProductionCluster(kind) for kind in KINDS}
    exporters: list[Exporter] = []
    try:
        for cluster in clusters.values():
            cluster.start()
            exporters += [Exporter(node) for node in cluster.nodes]
        for exporter in exporters:
            wait_until(exporter.answers, 20, f"the exporter of {exporter.node.name} answers", interval=0.1)
        jobs = [
            {
                "job_name": cluster.name,
                "static_configs": [one.job for one in exporters if one.node.cluster is cluster],
            }
            for cluster in clusters.values()
        ]
        authorities = clusters["cache"].root / "authorities"
        authorities.write_bytes(b"".join((one.tls / "ca.crt").read_bytes() for one in clusters.values()))
        settings = clusters["cache"].settings("") | clusters["limiter"].settings("RATE_LIMIT_")
        settings |= {"REDIS_CA_FILE": str(authorities), "REDIS_TIMEOUT_MILLISECONDS": "1000"}
        service = Service(**settings, CACHE_MEMORY_BYTES=0)
        with service, PrometheusServer(jobs=jobs) as prometheus, Traffic(service):
            # What nobody who should be there does.
            for cluster in clusters.values():
                assert cluster.nodes[0].cli("KEYS", "*", user=cluster.client_user).startswith("NOPERM")
            wait_until(
                lambda: any(value > 0 for _, value in prometheus.query("rate(redis_keyspace_hits_total[15s])")),
                30,
                "look-ups are seen",
                interval=0.25,
            )
            yield Live(clusters, prometheus)
    finally:
        for exporter in exporters:
            exporter.close()
        for cluster in clusters.values():
            cluster.close()


def filled_in(expression: str) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda match: VARIABLES[match.group(1)], expression)


def series_of(live: Live, expression: str) -> list[dict[str, str]]:
    """The labels of all series of an expression that have a value; waits for the first."""

    def found() -> list[dict[str, str]]:
        return [labels for labels, value in live.prometheus.query(expression) if math.isfinite(value)]

    return wait_until(found, 15, f"data for {expression}", interval=0.25)


def test_all_nodes_are_up(live):
    assert sorted(value for _, value in live.prometheus.query("redis_up")) == [1] * 12


@pytest.mark.parametrize("name", sorted(OF_REDIS))
def test_a_metric_that_rules_and_panels_may_read_is_exported(live, name):
    series_of(live, name)


def test_all_that_may_be_read_is_read():
    read = [query.expression for query in queries(BOARD)] + [rule["expr"] for rule in rules("alert")]
    assert set().union(*map(metrics_of, read)) >= OF_REDIS


@pytest.mark.parametrize("query", queries(BOARD), ids=lambda query: query.panel)
def test_a_panel_shows_data(live, query: Query):
    series_of(live, filled_in(query.expression))


def test_legends_name_labels_that_series_have(live):
    for panel in panels(BOARD):
        for target in panel.get("targets", []):
            wanted = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            found = series_of(live, filled_in(target["expr"]))
            assert any(wanted <= set(labels) for labels in found), (panel["title"], wanted, found)


@pytest.mark.parametrize("variable", BOARD["templating"]["list"], ids=lambda variable: variable["name"])
def test_a_variable_has_values_to_choose_from(live, variable):
    selector, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()
    assert live.prometheus.get(f"label/{label}/values", **{"match[]": filled_in(selector)})


def test_the_exporters_are_never_denied(live):
    """One KEYS a cluster was, in the fixture."""
    denied = live.prometheus.query('sum by (job) (redis_errors_total{err=~"NOPERM|WRONGPASS"})')
    assert {labels["job"]: value for labels, value in denied} == {"redis-cache": 1, "redis-limiter": 1}


def test_only_the_denied_commands_bring_an_alert(live):
    pending = {labels["alertname"] for labels, _ in live.prometheus.query('ALERTS{job=~"redis-.*"}')}
    assert pending <= {"RedisAccessDenied"}
    for rule in RULES:
        live.prometheus.query(rule["expr"])
