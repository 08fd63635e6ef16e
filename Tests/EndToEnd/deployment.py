"""What is in deploy/: read the way Prometheus, Alertmanager and Grafana read it."""

from __future__ import annotations

import json
import pathlib
import re
from dataclasses import dataclass

import yaml
from service import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
ALERTMANAGER = DEPLOY / "alertmanager"
GRAFANA = DEPLOY / "grafana"
LOGGING = DEPLOY / "logging"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))
RULE_FILES = sorted((PROMETHEUS / "rules").glob("*.yml"))
RULE_TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))

# What the service exports. Histograms stand for their _bucket, _count and _sum.
HISTOGRAMS = {
    "http_server_request_duration_seconds",
    "http_server_response_body_size_bytes",
    "fib_compute_duration_seconds",
    "db_client_operation_duration_seconds",
    "fib_event_loop_lag_seconds",
}
PLAIN = {
    "http_server_active_requests",
    "fib_cache_requests_total",
    "fib_cache_collapsed_total",
    "fib_cache_bytes",
    "fib_cache_capacity_bytes",
    "fib_cache_entries",
    "fib_cache_evictions_total",
    "fib_compute_queue_cost",
    "fib_compute_queue_capacity",
    "fib_compute_threads",
    "fib_compute_active",
    "fib_compute_rejections_total",
    "fib_ratelimit_decisions_total",
    "fib_ratelimit_cost_total",
    "fib_ratelimit_processes",
    "fib_integrity_failures_total",
    "fib_redis_up",
    "fib_redis_state",
    "db_client_connection_pending_requests",
    "fib_redis_connections_opened_total",
    "fib_redis_connection_failures_total",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_virtual_memory_bytes",
    "process_open_fds",
    "process_max_fds",
    "process_start_time_seconds",
    "process_threads",
    "fib_build_info",
    "fib_ready",
    "fib_log_lines_dropped_total",
    "fib_spans_exported_total",
    "fib_spans_dropped_total",
    "fib_span_queue_length",
    "prometheus_metrics_overflow_total",
    "prometheus_metrics_conflicts_total",
}
EXPORTED = PLAIN | {f"{name}_{part}" for name in HISTOGRAMS for part in ("bucket", "count", "sum")}
# What redis_exporter says of the nodes of deploy/redis, as far as somebody reads it.
OF_REDIS = {
    "redis_cluster_slots_ok",
    "redis_cluster_state",
    "redis_commands_duration_seconds_total",
    "redis_commands_total",
    "redis_connected_clients",
    "redis_connected_slave_lag_seconds",
    "redis_connected_slaves",
    "redis_cpu_sys_seconds_total",
    "redis_cpu_user_seconds_total",
    "redis_db_keys",
    "redis_errors_total",
    "redis_evicted_keys_total",
    "redis_expired_keys_total",
    "redis_instance_info",
    "redis_keyspace_hits_total",
    "redis_keyspace_misses_total",
    "redis_master_link_up",
    "redis_mem_fragmentation_bytes",
    "redis_mem_fragmentation_ratio",
    "redis_memory_max_bytes",
    "redis_memory_used_bytes",
    "redis_memory_used_rss_bytes",
    "redis_net_input_bytes_total",
    "redis_net_output_bytes_total",
    "redis_rejected_connections_total",
    "redis_replica_resyncs_full",
    "redis_up",
    "redis_uptime_in_seconds",
}
# What Prometheus makes itself about a target and about alerts.
OF_PROMETHEUS = {"up", "scrape_duration_seconds", "ALERTS"}

# What kube-state-metrics tells of jobs and their namespaces.
OF_PROMETHEUS |= {
    "kube_namespace_created",
    "kube_cronjob_created",
    "kube_cronjob_status_last_successful_time",
    "kube_job_failed",
    "kube_job_status_start_time",
}

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?::[A-Za-z0-9_:]+)?")
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
KEYWORDS = {"and", "or", "unless", "offset", "bool"}


def load(path: pathlib.Path):
    return yaml.safe_load(path.read_text())


def metrics_of(expression: str) -> set[str]:
    """The names of the metrics that a PromQL expression reads."""
    bare = GROUPING.sub(" ", TEXT.sub('""', expression))
    bare = re.sub(r"\{[^}]*\}", " ", bare)
    bare = re.sub(r"\[[^\]]*\]|\$\w+|\b[\d.]+(?:e-?\d+)?[smhdwy]?\b", " ", bare)
    names = set()
    for match in WORD.finditer(bare):
        is_function = bare[match.end() :].lstrip().startswith("(")
        is_aggregation = match.group() in ("sum", "count", "max", "min", "avg")
        if match.group() not in KEYWORDS and not is_function and not is_aggregation:
            names.add(match.group())
    return names


def rules(kind: str) -> list[dict]:
    """All rules of a kind, `alert` or `record`, of all groups."""
    groups = [group for path in RULE_FILES for group in load(path)["groups"]]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


def kebab(name: str) -> str:
    """ErrorBudgetBurn1h → error-budget-burn-1h."""
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()


def anchors(text: str) -> list[str]:
    """The anchors that a Markdown page's headings get."""
    headings = re.findall(r"^#{1,6} (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), flags=re.M)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def runbook_expressions() -> list[str]:
    """What the page for operators asks Prometheus, one by one."""
    return re.findall(r"`q '([^']+)'`", (REPOSITORY / "docs" / "operations.md").read_text())


@dataclass(frozen=True)
class Query:
    """One expression of a dashboard and where it stands."""

    panel: str
    datasource: str
    expression: str


def panels(dashboard: dict) -> list[dict]:
    """All panels, those in collapsed rows included."""
    return [inner for panel in dashboard["panels"] for inner in (panel, *panel.get("panels", []))]


def queries(dashboard: dict) -> list[Query]:
    """Every expression of the panels, and of the annotations."""
    found = [
        Query(panel["title"], target["datasource"]["uid"], target["expr"])
        for panel in panels(dashboard)
        for target in panel.get("targets", [])
    ]
    return found + [
        Query(annotation["name"], annotation["datasource"]["uid"], annotation["expr"])
        for annotation in dashboard["annotations"]["list"]
    ]


def dashboard(path: pathlib.Path = DASHBOARDS[0]) -> dict:
    return json.loads(path.read_text())
