"""What is in deploy/ is taken by the programs it is for, refers to nothing that is not there, and does what it says."""

import json
import re
import subprocess
import tempfile
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request, urlopen

import pytest
import yaml
from deployment import (
    ALERTMANAGER,
    DASHBOARDS,
    EXPORTED,
    GRAFANA,
    LOGGING,
    OF_PROMETHEUS,
    OF_REDIS,
    PROMETHEUS,
    RULE_FILES,
    RULE_TESTS,
    anchors,
    dashboard,
    kebab,
    load,
    metrics_of,
    panels,
    queries,
    rules,
    runbook_expressions,
)
from redis_server import require
from service import REPOSITORY, free_ports, wait_until

ALERTS = {rule["alert"]: rule for rule in rules("alert")}
RECORDED = {rule["record"] for rule in rules("record")}
PAGES = {
    "AllTargetsDown",
    "NoneReady",
    "LatencyHigh",
    "ErrorBudgetBurn1h",
    "ErrorBudgetBurn6h",
    "ComputeIntegrityFailure",
}
LABELS_OF_LOGS = {"job", "level", "logger"}
GRAFANA_VARIABLES = {"__rate_interval"}


def promtool(*arguments: str) -> str:
    return run([require("promtool", "prometheus"), *arguments])


def amtool(*arguments: str) -> str:
    return run([require("amtool", "prometheus-alertmanager"), *arguments])


def run(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def datasources() -> dict[str, dict]:
    files = (GRAFANA / "provisioning" / "datasources").glob("*.yml")
    return {source["uid"]: source for path in files for source in load(path)["datasources"]}


# Prometheus


def test_prometheus_takes_its_configuration():
    output = promtool("check", "config", str(PROMETHEUS / "prometheus.yml"))
    assert all(path.name in output for path in RULE_FILES)


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.stem)
def test_prometheus_takes_the_rules(path):
    promtool("check", "rules", "--lint=all", "--lint-fatal", str(path))


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_alerts_fire_and_end_when_they_should(path):
    promtool("test", "rules", str(path))


def test_each_alert_has_a_test_in_which_it_fires_and_ends_and_one_in_which_it_keeps_quiet():
    ends, quiet = set(), set()
    for test in (test for path in RULE_TESTS for test in load(path)["tests"]):
        for name in ALERTS:
            fires = [bool(check["exp_alerts"]) for check in test["alert_rule_test"] if check["alertname"] == name]
            if fires[-2:] == [True, False]:
                ends.add(name)
            elif fires and not any(fires):
                quiet.add(name)
    assert ends == set(ALERTS)
    assert quiet == set(ALERTS)


def test_the_order_of_groups_in_the_tests_is_complete():
    groups = {group["name"] for path in RULE_FILES for group in load(path)["groups"]}
    for path in RULE_TESTS:
        test = load(path)
        read = {group["name"] for file in test["rule_files"] for group in load(path.parent / file)["groups"]}
        assert read <= set(test["group_eval_order"]) <= groups, path.name


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_who_it_is_for_what_is_wrong_and_where_help_is(name):
    rule = ALERTS[name]
    assert rule["labels"]["severity"] == ("page" if name in PAGES else "ticket")
    assert rule["labels"]["concern"]
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    for text in rule["annotations"].values():
        assert text and "\n" not in text
    path, anchor = rule["annotations"]["runbook_url"].split("#")
    assert anchor == kebab(name)
    assert anchors((REPOSITORY / path).read_text()).count(anchor) == 1


def test_the_runbook_has_entries_for_alerts_only():
    runbook = (REPOSITORY / "docs" / "operations.md").read_text().split("\n## Runbook\n")[1].split("\n## ")[0]
    assert sorted(anchors(runbook)) == sorted(map(kebab, ALERTS))


def test_links_within_the_page_for_operators_lead_somewhere():
    text = (REPOSITORY / "docs" / "operations.md").read_text()
    assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= set(anchors(text))


def test_the_runbook_names_metrics_and_rules_that_there_are():
    assert len(runbook_expressions()) > 20
    for expression in runbook_expressions():
        assert metrics_of(expression) <= EXPORTED | OF_REDIS | RECORDED | OF_PROMETHEUS, expression


def test_recorded_names_tell_level_metric_and_operations():
    for name in RECORDED:
        assert re.fullmatch(r"[a-z_]+:[a-z_]+:[a-z0-9_]+", name), name
    assert all(count == 1 for count in Counter(rule["record"] for rule in rules("record")).values())


def test_rules_read_only_what_is_exported_or_recorded():
    for rule in rules("alert") + rules("record"):
        assert metrics_of(rule["expr"]) <= EXPORTED | OF_REDIS | RECORDED | OF_PROMETHEUS, rule


# Alertmanager


def test_alertmanager_takes_its_configuration():
    assert "SUCCESS" in amtool("check-config", str(ALERTMANAGER / "alertmanager.yml"))


@pytest.mark.parametrize(("severity", "receiver"), [("page", "pagerduty"), ("ticket", "tickets"), ("other", "tickets")])
def test_pages_and_tickets_go_to_different_people(severity, receiver):
    configuration = f"--config.file={ALERTMANAGER / 'alertmanager.yml'}"
    labels = ["job=fibonacci-api", "concern=errors", f"severity={severity}"]
    assert amtool("config", "routes", "test", configuration, *labels).split() == [receiver]


def test_receivers_hear_of_the_end_and_have_their_secrets_in_files():
    receivers = load(ALERTMANAGER / "alertmanager.yml")["receivers"]
    ways = {receiver["name"]: way[0] for receiver in receivers for key, way in receiver.items() if key != "name"}
    assert ways["pagerduty"]["routing_key_file"] and ways["tickets"]["api_url_file"]
    for way in ways.values():
        assert way["send_resolved"] is True
        assert not {"routing_key", "service_key", "api_url"} & set(way)


@pytest.mark.parametrize("environment", [{}, {"namespace": "production"}])
def test_a_notification_tells_of_the_environment_and_leads_to_the_runbook(tmp_path, environment):
    """The base is set in one place, and stands before the path that the alert has."""
    template = (ALERTMANAGER / "templates" / "fibonacci-api.tmpl").read_text()
    base = "https://code.example/fibonacci-api/"
    (tmp_path / "fibonacci-api.tmpl").write_text(
        template.replace('{{ define "runbook_base" }}', '{{ define "runbook_base" }}' + base, 1)
    )
    annotations = {"summary": "S.", "description": "D.", "runbook_url": "docs/operations.md#redis-down"}
    labels = {"alertname": "RedisDown", "job": "fibonacci-api"} | environment
    data = {
        "status": "firing",
        "alerts": [{"status": "firing", "labels": labels, "annotations": annotations}],
        "commonLabels": labels,
        "commonAnnotations": annotations,
    }
    (tmp_path / "data.json").write_text(json.dumps(data))
    text = amtool(
        "template",
        "render",
        f"--template.glob={tmp_path}/*.tmpl",
        f"--template.data={tmp_path}/data.json",
        '--template.text={{ template "fibonacci-api.title" . }}|{{ template "fibonacci-api.text" . }}',
    )
    title, body = text.split("|")
    assert title == f"FIRING (1) {' '.join([*environment.values(), 'fibonacci-api'])}: S."
    assert "RedisDown, firing: S.\nD.\n" in body
    assert f"Runbook: {base}docs/operations.md#redis-down\n" in body


class Receiver(ThreadingHTTPServer):
    """Takes notifications, and remembers which alerts came to which path."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.notified: dict[str, set[str]] = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            names = {alert["labels"]["alertname"] for alert in content["alerts"]}
            self.server.notified.setdefault(self.path.strip("/"), set()).update(names)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass


class Alertmanager:
    """A real Alertmanager with the project's routes and inhibitions, whose receivers are `receiver`."""

    def __init__(self, receiver: Receiver):
        self.port = free_ports(1)[0]
        self.directory = tempfile.TemporaryDirectory(prefix="alertmanager-")
        configuration = load(ALERTMANAGER / "alertmanager.yml")
        del configuration["templates"]
        # Long enough for all alerts of a test to have arrived before the first notification.
        for route in (configuration["route"], *configuration["route"]["routes"]):
            route["group_wait"] = "1s"
        configuration["receivers"] = [
            {
                "name": name,
                "webhook_configs": [{"url": f"http://127.0.0.1:{receiver.server_address[1]}/{name}"}],
            }
            for name in ("pagerduty", "tickets")
        ]
        path = f"{self.directory.name}/alertmanager.yml"
        with open(path, "w") as file:
            yaml.safe_dump(configuration, file)
        self.process = subprocess.Popen(
            [
                require("prometheus-alertmanager", "prometheus-alertmanager"),
                f"--config.file={path}",
                f"--storage.path={self.directory.name}/data",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--cluster.listen-address=",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self):
        wait_until(self._is_ready, 15, "Alertmanager is ready", interval=0.05)
        return self

    def _is_ready(self) -> bool:
        try:
            return self.request("/-/ready") is not None
        except OSError:
            return False

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(10)
        self.directory.cleanup()

    def request(self, path: str, content=None) -> bytes:
        data = None if content is None else json.dumps(content).encode()
        request = Request(f"http://127.0.0.1:{self.port}{path}", data, {"Content-Type": "application/json"})
        with urlopen(request, timeout=5) as response:
            return response.read()

    def raise_alerts(self, alerts: list[dict]) -> None:
        self.request("/api/v2/alerts", [{"labels": labels} for labels in alerts])

    def inhibited(self) -> set[str]:
        alerts = json.loads(self.request("/api/v2/alerts"))
        return {alert["labels"]["alertname"] for alert in alerts if alert["status"]["inhibitedBy"]}


def firing(name: str, **labels: str) -> dict:
    """The labels of an alert as the rules make them."""
    return {"alertname": name, "job": "fibonacci-api"} | labels | ALERTS[name]["labels"]


A = {"instance": "a:9464"}
B = {"instance": "b:9464"}


@pytest.mark.parametrize(
    ("alerts", "inhibited", "notified"),
    [
        (
            [
                firing("AllTargetsDown"),
                firing("RedisDown", client="cache"),
                firing("NotReady", **A),
                firing("NoneReady"),
            ],
            {"RedisDown", "NotReady", "NoneReady"},
            {"pagerduty": {"AllTargetsDown"}},
        ),
        (
            [firing("TargetDown", **A), firing("EventLoopLagHigh", **A), firing("ComputeQueueSaturated", **B)],
            {"EventLoopLagHigh"},
            {"tickets": {"TargetDown", "ComputeQueueSaturated"}},
        ),
        (
            [firing("TargetDown", **A), firing("SpansDropped", **A), firing("ComputeIntegrityFailure", **A)],
            {"SpansDropped"},
            {"pagerduty": {"ComputeIntegrityFailure"}, "tickets": {"TargetDown"}},
        ),
        (
            [firing("LatencyHigh", http_route="/v1/fib"), firing("EventLoopLagHigh", **A), firing("SpansDropped", **A)],
            {"EventLoopLagHigh"},
            {"pagerduty": {"LatencyHigh"}, "tickets": {"SpansDropped"}},
        ),
        (
            [firing(f"ErrorBudgetBurn{window}") for window in ("1h", "6h", "1d", "3d")],
            {"ErrorBudgetBurn6h", "ErrorBudgetBurn1d", "ErrorBudgetBurn3d"},
            {"pagerduty": {"ErrorBudgetBurn1h"}},
        ),
        (
            [firing("ErrorBudgetBurn1d"), firing("ErrorBudgetBurn3d")],
            {"ErrorBudgetBurn3d"},
            {"tickets": {"ErrorBudgetBurn1d"}},
        ),
        (
            [
                firing("RedisDown", client="rate_limit"),
                firing("RedisDegraded", client="rate_limit"),
                firing("RateLimitLocal"),
                firing("CacheHitRatioLow"),
            ],
            {"RedisDegraded", "RateLimitLocal"},
            {"tickets": {"RedisDown", "CacheHitRatioLow"}},
        ),
        (
            [firing("RedisDown", client="cache"), firing("RateLimitLocal"), firing("CacheHitRatioLow")],
            {"CacheHitRatioLow"},
            {"tickets": {"RedisDown", "RateLimitLocal"}},
        ),
        (
            [firing("NoneReady"), firing("NotReady", **A), firing("ComputeIntegrityFailure", **A)],
            {"NotReady"},
            {"pagerduty": {"NoneReady", "ComputeIntegrityFailure"}},
        ),
    ],
    ids=[
        "all-down",
        "one-down",
        "one-down-page",
        "page",
        "burn-all",
        "burn-slow",
        "redis-limiter",
        "redis-cache",
        "none-ready",
    ],
)
def test_what_follows_from_something_else_is_not_told(alerts, inhibited, notified):
    receiver = Receiver()
    try:
        with Alertmanager(receiver) as alertmanager:
            alertmanager.raise_alerts(alerts)
            wait_until(lambda: receiver.notified == notified, 10, f"{notified}; so far {receiver.notified}")
            assert alertmanager.inhibited() == inhibited
    finally:
        receiver.shutdown()
        receiver.server_close()


# Grafana


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_well_formed(path):
    board = dashboard(path)
    assert board["uid"] == path.stem
    assert board["schemaVersion"] >= 39
    assert board["time"] == {"from": "now-30m", "to": "now"}
    identifiers = [panel["id"] for panel in panels(board)]
    assert len(identifiers) == len(set(identifiers))
    taken: set[tuple[int, int]] = set()
    for panel in panels(board):
        place = panel["gridPos"]
        assert place["x"] >= 0 and place["x"] + place["w"] <= 24, panel["title"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, f"{panel['title']} lies over another panel"
        taken |= cells


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_each_panel_says_what_it_shows_and_in_which_unit(path):
    shown = [panel for panel in panels(dashboard(path)) if panel["type"] != "row"]
    titles = [panel["title"] for panel in shown]
    assert len(titles) == len(set(titles))
    for panel in shown:
        assert panel["title"] and panel["description"], panel["id"]
        assert panel["targets"], panel["title"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        assert all(target["expr"] for target in panel["targets"]), panel["title"]
        if panel["type"] in ("timeseries", "stat"):
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_read_only_what_there_is(path):
    board = dashboard(path)
    variables = {variable["name"] for variable in board["templating"]["list"]} | GRAFANA_VARIABLES
    for query in queries(board):
        assert query.datasource in datasources(), query
        assert set(re.findall(r"\$\{?(\w+)", query.expression)) <= variables, query
        if query.datasource == "prometheus":
            assert metrics_of(query.expression) <= EXPORTED | OF_REDIS | RECORDED | OF_PROMETHEUS, query


def test_a_ratio_of_an_idle_service_is_no_number_and_the_panel_says_so(tmp_path):
    """0 / 0 is NaN, which a stat shows as it is, and in the colour of a value."""
    ratios = [
        (panel, target["expr"])
        for panel in panels(dashboard())
        for target in panel.get("targets", [])
        if re.search(r"/ .*rate\(", target["expr"])
        or (panel["type"] == "stat" and "histogram_quantile" in target["expr"])
    ]
    assert {"Errors", "Cache hits", "Hits by tier", "Refused"} <= {panel["title"] for panel, _ in ratios}
    for panel, _ in ratios:
        assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]
    labels = 'job="fibonacci-api", instance="a:9464"'
    idle = [
        f'http_server_request_duration_seconds_count{{{labels}, http_route="/v1/fib", '
        'http_response_status_code="503"}',
        f'http_server_request_duration_seconds_bucket{{{labels}, http_route="/v1/fib", le="0.1"}}',
        f'http_server_request_duration_seconds_bucket{{{labels}, http_route="/v1/fib", le="+Inf"}}',
        f'fib_cache_requests_total{{{labels}, tier="memory", result="hit"}}',
        f'fib_cache_requests_total{{{labels}, tier="memory", result="miss"}}',
        f'fib_ratelimit_decisions_total{{{labels}, decision="refused", mode="global"}}',
    ]
    values = {"job": "fibonacci-api", "namespace": ".*", "instance": ".*", "__rate_interval": "5m"}
    expressions = [re.sub(r"\$\{?(\w+)\}?", lambda match: values[match.group(1)], text) for _, text in ratios]
    test = {
        "interval": "1m",
        "input_series": [{"series": series, "values": "7x20"} for series in idle],
        "promql_expr_test": [{"expr": text, "eval_time": "10m", "exp_samples": []} for text in expressions],
    }
    (tmp_path / "idle.yml").write_text(yaml.safe_dump({"tests": [test]}))
    promtool("test", "rules", str(tmp_path / "idle.yml"))


def test_what_the_service_exports_is_shown_or_watched():
    read = [query.expression for path in DASHBOARDS for query in queries(dashboard(path))]
    read += [rule["expr"] for rule in rules("alert") + rules("record")]
    unused = EXPORTED - set().union(*map(metrics_of, read))
    assert {name for name in unused if not name.endswith(("_sum", "_count", "_bucket"))} == set()


def test_exemplars_traces_and_lines_are_linked():
    sources = datasources()
    exemplars = sources["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert [(entry["name"], entry["datasourceUid"]) for entry in exemplars] == [("trace_id", "jaeger")]
    fields = sources["loki"]["jsonData"]["derivedFields"]
    assert [field["datasourceUid"] for field in fields] == ["jaeger"]
    line = '{"level":"info","trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331"}'
    assert re.search(fields[0]["matcherRegex"], line).group(1) == "0af7651916cd43dd8448eb211c80319c"
    assert sources["jaeger"]["jsonData"]["tracesToLogsV2"]["datasourceUid"] == "loki"
    with_exemplars = [
        panel["title"]
        for panel in panels(dashboard())
        if any(target.get("exemplar") for target in panel.get("targets", []))
    ]
    assert with_exemplars


# Logs


def test_labels_of_lines_have_few_values():
    """A label for a request or a client would make a stream of each line."""
    outputs = load(LOGGING / "fluent-bit" / "common.yaml")["pipeline"]["outputs"]
    loki = next(output for output in outputs if output["name"] == "loki")
    constant = {pair.split("=")[0] for pair in loki["labels"].split(",")}
    taken = {key.strip().removeprefix("$") for key in loki["label_keys"].split(",")}
    assert constant | taken == LABELS_OF_LOGS
    selectors = [query.expression for query in queries(dashboard()) if query.datasource == "loki"]
    selectors += re.findall(r"\{job=\"fibonacci-api\"[^}]*\}", (REPOSITORY / "docs" / "operations.md").read_text())
    for selector in selectors:
        names = set(re.findall(r"(\w+)\s*(?:=~|=|!=|!~)\s*\"", selector[: selector.index("}")]))
        assert names <= LABELS_OF_LOGS, selector


@pytest.mark.parametrize("name", ["compose", "kubernetes"])
def test_each_way_in_has_an_archive(name):
    directory = LOGGING / "fluent-bit"
    main = load(directory / f"{name}.yaml")
    assert len(main["pipeline"]["inputs"]) == 1
    included = [load(directory / path) for path in main["includes"]]
    outputs = [output["name"] for part in included for output in part["pipeline"].get("outputs", [])]
    assert outputs == ["loki", "file" if name == "compose" else "s3"]


def test_lines_are_hot_for_a_week_and_then_deleted():
    loki = load(LOGGING / "loki" / "loki.yaml")
    assert loki["limits_config"]["retention_period"] == "168h"
    assert loki["compactor"]["retention_enabled"] is True
    assert loki["compactor"]["delete_request_store"] == loki["schema_config"]["configs"][0]["object_store"]
    lifecycle = json.loads((LOGGING / "archive" / "lifecycle.json").read_text())
    prefix = lifecycle["Rules"][0]["Filter"]["Prefix"]
    outputs = load(LOGGING / "fluent-bit" / "archive-s3.yaml")["pipeline"]["outputs"]
    assert outputs[0]["s3_key_format"].removeprefix("/").startswith(prefix)
