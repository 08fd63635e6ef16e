"""Spans that a collector receives: the right ones, below the right parents, and never at the cost of an answer."""

import itertools
import re
import secrets
import socket
import statistics
import threading
import time
from collections.abc import Iterator

import pytest
from checks import assert_value
from collector import Collector
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from rawhttp import Response, request_bytes
from redis_server import RedisServer
from service import Service, run_command, wait_until
from test_metrics import PROMETHEUS_ACCEPT, scrape, value

SERVER, CLIENT, INTERNAL = 2, 3, 1


@pytest.fixture
def collector() -> Iterator[Collector]:
    running = Collector()
    yield running
    running.close()


@pytest.fixture
def traced(start, collector):
    """Starts a service that exports its spans soon."""

    def start_traced(**settings) -> Service:
        settings = {"OTEL_BSP_SCHEDULE_DELAY": 50, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url} | settings
        return start(**settings)

    return start_traced


def trace_parent(is_sampled: bool = True) -> tuple[str, str, str]:
    """A caller's trace: its id, the caller's span, and the field that tells of them."""
    trace, span = secrets.token_hex(16), secrets.token_hex(8)
    return trace, span, f"00-{trace}-{span}-{'01' if is_sampled else '00'}"


def ask(service: Service, target: str, parent: str | None = None, method: str = "GET", **fields: str) -> Response:
    if parent:
        fields["traceparent"] = parent
    return service.request(target, method=method, fields=fields)


def test_a_request_is_a_server_span_by_the_conventions_for_http(traced, collector):
    service = traced()
    trace, caller, parent = trace_parent()
    response = ask(service, "/v1/fib?n=10", parent, **{"User-Agent": "probe/1"})
    assert_value(response, 10, "json")
    (span,) = collector.wait_for(1, trace_id=trace, kind=SERVER)
    assert (span.name, span.parent_id, span.is_error) == ("GET /v1/fib", caller, False)
    assert span.resource["service.name"] == "fibonacci-api"
    assert span.resource["service.version"] == service.admin("/version").json()["version"]
    expected = {
        "http.request.method": "GET",
        "http.route": "/v1/fib",
        "http.response.status_code": 200,
        "url.path": "/v1/fib",
        "url.query": "n=10",
        "url.scheme": "http",
        "client.address": "127.0.0.1",
        "user_agent.original": "probe/1",
        "fib.n": 10,
        "fib.cost": 1,
        "fib.cache": "hit",
    }
    assert span.attributes.items() >= expected.items()
    assert 0 < span.end - span.begin < 5e9
    assert abs(span.begin / 1e9 - time.time()) < 60


def test_a_computation_is_a_child_that_tells_digits_and_kernel(traced, collector):
    service = traced()
    trace, _, parent = trace_parent()
    ask(service, "/v1/fib?n=1000000", parent)
    (server,) = collector.wait_for(1, trace_id=trace, kind=SERVER)
    (compute,) = collector.wait_for(1, trace_id=trace, name="compute")
    assert compute.parent_id == server.span_id
    assert compute.kind == INTERNAL
    assert compute.attributes == {"fib.digits": 208_988, "fib.kernel": service.admin("/version").json()["kernel"]}
    assert server.begin <= compute.begin <= compute.end <= server.end
    trace, _, parent = trace_parent()
    ask(service, "/v1/fib?n=40000", parent)
    collector.wait_for(1, trace_id=trace, name="compute")


def test_redis_commands_are_children_by_the_conventions_for_databases(traced, collector, request):
    redis = RedisServer().start()
    request.addfinalizer(redis.close)
    service = traced(REDIS_URL=redis.url)
    trace, _, parent = trace_parent()
    ask(service, "/v1/fib?n=60000", parent)
    (server,) = collector.wait_for(1, trace_id=trace, kind=SERVER)
    collector.wait_for(1, trace_id=trace, name="SET")
    spans = {span.name: span for span in collector.trace(trace)}
    assert set(spans) >= {"GET /v1/fib", "rate limit", "GET", "SET", "compute"}
    script = spans.get("EVALSHA") or spans["EVAL"]
    assert spans["rate limit"].parent_id == server.span_id
    assert script.parent_id == spans["rate limit"].span_id
    assert spans["GET"].parent_id == spans["SET"].parent_id == spans["compute"].parent_id == server.span_id
    for span in (script, spans["GET"], spans["SET"]):
        assert span.kind == CLIENT
        assert span.attributes["db.system.name"] == "redis"
        assert span.attributes["db.operation.name"] == span.name
        assert (span.attributes["server.address"], span.attributes["server.port"]) == ("127.0.0.1", redis.port)
        assert server.begin <= span.begin <= span.end <= server.end + 1_000_000


@pytest.mark.parametrize(
    ("method", "target", "name", "status", "error"),
    [
        ("GET", "/v1/fib?n=x", "GET /v1/fib", 400, "invalid-parameter"),
        ("GET", "/v1/fib?n=99999999", "GET /v1/fib", 422, "n-too-large"),
        ("HEAD", "/v1/fib?n=10", "HEAD /v1/fib", 200, None),
        ("OPTIONS", "/v1/fib", "OPTIONS /v1/fib", 204, None),
        ("GET", "/no/such/path", "GET", 404, "not-found"),
        ("GET", "/docs", "GET /docs", 200, None),
        ("GET", "/v1/cost?n=7", "GET /v1/cost", 200, None),
    ],
)
def test_spans_are_named_by_route_and_errors_are_told(traced, collector, method, target, name, status, error):
    service = traced()
    trace, _, parent = trace_parent()
    ask(service, target, parent, method)
    (span,) = collector.wait_for(1, trace_id=trace, kind=SERVER)
    assert span.name == name
    assert span.attributes["http.response.status_code"] == status
    assert span.attributes.get("fib.problem") == error
    # A client's mistake is no fault of the server.
    assert not span.is_error and "error.type" not in span.attributes


def test_a_fault_of_the_server_is_an_error(traced, collector):
    """Here 503, because more is asked for than may wait."""
    service = traced(COMPUTE_THREADS=1, COMPUTE_QUEUE_COST=1, FIB_MAX_N=100_000_000, CACHE_MEMORY_BYTES=0)
    finished = threading.Event()

    def load(first: int) -> None:
        for n in range(first, first + 10_000):
            if finished.is_set():
                return
            service.fib(n, timeout=60)

    threads = [threading.Thread(target=load, args=(20_000_000 + 100_000 * index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    trace, _, parent = trace_parent()
    numbers = itertools.count(30_000_000)
    try:
        wait_until(lambda: ask(service, f"/v1/fib?n={next(numbers)}", parent).status == 503, 20, "503")
    finally:
        finished.set()
        for thread in threads:
            thread.join(60)
    span = collector.wait_for(1, trace_id=trace, http__response__status_code=503)[0]
    assert span.is_error and span.attributes["error.type"] == "overloaded"


def test_an_unknown_method_is_other(traced, collector):
    service = traced()
    trace, _, parent = trace_parent()
    ask(service, "/v1/fib", parent, "PROPFIND")
    (span,) = collector.wait_for(1, trace_id=trace)
    assert span.name == "HTTP /v1/fib"
    assert span.attributes["http.request.method"] == "_OTHER"
    assert span.attributes["http.request.method_original"] == "PROPFIND"


@pytest.mark.parametrize(
    "parent",
    [
        "garbage",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "",
    ],
)
def test_a_malformed_parent_begins_a_trace_of_its_own(traced, collector, parent):
    service = traced()
    response = service.request("/v1/fib?n=10", fields={"traceparent": parent})
    identifier = response.field("X-Request-ID")
    (span,) = collector.wait_for(1, fib__request_id=identifier)
    assert span.parent_id == ""
    assert span.trace_id != "0af7651916cd43dd8448eb211c80319c"


def test_what_the_caller_does_not_trace_is_not_traced_here(traced, collector):
    service = traced()
    for _ in range(20):
        ask(service, "/v1/fib?n=10", trace_parent(is_sampled=False)[2])
    trace, _, parent = trace_parent()
    ask(service, "/v1/fib?n=10", parent)
    collector.wait_for(1, trace_id=trace)
    assert len(collector.spans) == 1


def test_log_lines_lead_to_the_trace_and_back(traced, collector):
    service = traced()
    trace, _, parent = trace_parent()
    response = ask(service, "/v1/fib?n=10", parent)
    (entry,) = service.access_log(response.field("X-Request-ID"))
    (span,) = collector.wait_for(1, trace_id=trace)
    assert (entry["trace_id"], entry["span_id"]) == (trace, span.span_id)
    assert span.attributes["fib.request_id"] == entry["request_id"]


def test_without_a_collector_lines_have_identifiers_all_the_same(service):
    trace, _, parent = trace_parent()
    response = ask(service, "/v1/fib?n=10", parent)
    (entry,) = service.access_log(response.field("X-Request-ID"))
    assert entry["trace_id"] == trace
    assert re.fullmatch("[0-9a-f]{16}", entry["span_id"])
    response = ask(service, "/v1/fib?n=10")
    (entry,) = service.access_log(response.field("X-Request-ID"))
    assert re.fullmatch("[0-9a-f]{32}", entry["trace_id"])


def test_tracing_may_be_switched_off(traced, collector):
    service = traced(OTEL_SDK_DISABLED="true")
    response = ask(service, "/v1/fib?n=10", trace_parent()[2])
    (entry,) = service.access_log(response.field("X-Request-ID"))
    assert "trace_id" not in entry and "span_id" not in entry
    service.stop()
    assert collector.requests == 0


def test_a_ratio_samples_about_that_part(traced, collector):
    service = traced(OTEL_TRACES_SAMPLER="parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG="0.1", LOG_LEVEL="error")
    with service.connect() as connection:
        for _ in range(5_000):
            assert connection.request("/v1/fib?n=10").status == 200
    service.stop()
    # Five standard deviations about 500.
    assert 394 < len(collector.spans) < 606


def test_always_off_samples_nothing(traced, collector):
    service = traced(OTEL_TRACES_SAMPLER="always_off")
    for _ in range(20):
        ask(service, "/v1/fib?n=10", trace_parent()[2])
    service.stop()
    assert collector.requests == 0


def test_the_last_spans_are_exported_at_shutdown(traced, collector):
    service = traced(OTEL_BSP_SCHEDULE_DELAY=60_000)
    traces = []
    for _ in range(30):
        trace, _, parent = trace_parent()
        ask(service, "/v1/fib?n=10", parent)
        traces.append(trace)
    assert collector.spans == []
    service.stop()
    assert {span.trace_id for span in collector.spans} == set(traces)


def test_a_stalled_client_at_shutdown_costs_no_spans(traced, collector):
    """The deadline for everything is over before the client has read; what happened is told all the same."""
    service = traced(OTEL_BSP_SCHEDULE_DELAY=60_000, SHUTDOWN_TIMEOUT_SECONDS=2, CACHE_MEMORY_BYTES=0)
    with service.connect(30) as stalled:
        stalled.send(request_bytes("/v1/fib?n=10000000") * 4)
        for _ in range(20):
            ask(service, "/v1/fib?n=10")
        service.signal()
        assert service.wait() == 0
    assert len([span for span in collector.spans if span.attributes.get("fib.n") == 10]) == 20


def test_callers_may_be_kept_from_deciding(traced, collector):
    """With OTEL_PROPAGATORS=none their traceparent is not read."""
    service = traced(OTEL_PROPAGATORS="none")
    trace, _, parent = trace_parent(is_sampled=False)
    ask(service, "/v1/fib?n=10", parent)
    (span,) = collector.wait_for(1)
    assert span.trace_id != trace and span.parent_id == ""


def test_who_went_away_is_no_error_of_the_server(traced, collector):
    service = traced(FIB_MAX_N=1_000_000_000)
    with service.connect() as connection:
        connection.send_request("/v1/fib?n=400000000")
        time.sleep(0.2)
        connection.reset()
    (span,) = collector.wait_for(1, http__response__status_code=499)
    assert not span.is_error and "error.type" not in span.attributes
    assert span.attributes["http.response.body.size"] == 0
    (compute,) = collector.wait_for(1, name="compute")
    assert compute.is_error and compute.attributes["error.type"] == "cancelled"


def test_requests_to_the_collector_are_as_configured(traced, collector):
    service = traced(
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url + "/base/",
        OTEL_EXPORTER_OTLP_HEADERS="x-key=se%20cret,other=1",
        OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
        OTEL_SERVICE_NAME="another",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test,team=a%2Cb",
    )
    ask(service, "/v1/fib?n=10")
    (span,) = collector.wait_for(1)
    assert collector.paths == {"/base/v1/traces"}
    fields = {name.lower(): value for name, value in collector.fields.items()}
    assert (fields["x-key"], fields["other"]) == ("se cret", "1")
    assert (fields["content-type"], fields["content-encoding"]) == ("application/x-protobuf", "gzip")
    assert span.resource["service.name"] == "another"
    assert (span.resource["deployment.environment.name"], span.resource["team"]) == ("test", "a,b")
    service.stop()
    assert "se cret" not in "\n".join(service.stdout.lines) and "se%20cret" not in "\n".join(service.stdout.lines)


def durations(service: Service, count: int = 300) -> list[float]:
    times = []
    with service.connect() as connection:
        for _ in range(count):
            begin = time.monotonic()
            assert_value(connection.request("/v1/fib?n=10"), 10, "json")
            times.append(time.monotonic() - begin)
    return times


@pytest.mark.parametrize("fault", ["dead", "slow", "refusing", "failing", "silent"])
def test_a_bad_collector_changes_no_answer(traced, collector, fault):
    """Spans are dropped and counted; memory stays where it is."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = collector.url
        if fault == "dead":
            collector.close()
        elif fault == "slow":
            collector.delay = 1.0
        elif fault == "silent":
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        else:
            collector.status = {"refusing": 400, "failing": 503}[fault]
        service = traced(
            OTEL_EXPORTER_OTLP_ENDPOINT=url,
            OTEL_EXPORTER_OTLP_TIMEOUT=200,
            OTEL_BSP_EXPORT_TIMEOUT=500,
            OTEL_BSP_MAX_QUEUE_SIZE=200,
            OTEL_BSP_MAX_EXPORT_BATCH_SIZE=100,
        )
        durations(service)
        before = service.resident_bytes()
        times = durations(service, 3_000)
        assert service.resident_bytes() - before < 20e6
        assert statistics.median(times) < 0.02
        wait_until(lambda: value(service, "fib_spans_dropped_total") > 0, 10, "spans are dropped")
        assert value(service, "fib_span_queue_length") <= 200
        begin = time.monotonic()
        service.stop()
        assert time.monotonic() - begin < 8


def test_spans_are_counted(traced, collector):
    service = traced()
    for _ in range(10):
        ask(service, "/v1/fib?n=10")
    collector.wait_for(10)
    wait_until(lambda: value(service, "fib_spans_exported_total") == 10, 10, "ten were exported")
    assert value(service, "fib_spans_dropped_total") == 0


def test_a_graph_leads_to_a_trace(traced, collector):
    """Exemplars of the latency histogram carry the ids of spans that were exported."""
    service = traced()
    trace, _, parent = trace_parent()
    ask(service, "/v1/fib?n=10", parent)
    (span,) = collector.wait_for(1, trace_id=trace)
    families = text_string_to_metric_families(scrape(service, PROMETHEUS_ACCEPT))
    exemplars = [
        sample.exemplar
        for family in families
        if family.name == "http_server_request_duration_seconds"
        for sample in family.samples
        if sample.exemplar
    ]
    assert {"trace_id": trace, "span_id": span.span_id} in [exemplar.labels for exemplar in exemplars]


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "-1"),
        ("OTEL_SDK_DISABLED", "perhaps"),
    ],
)
def test_a_malformed_setting_stops_the_start(name, held):
    extra = {"OTEL_TRACES_SAMPLER": "traceidratio"} if name.endswith("_ARG") else {}
    extra |= {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"} if "ENDPOINT" not in name else {}
    result = run_command("serve", timeout=10, **{name: held}, **extra)
    assert result.returncode == 78
    lines = result.stderr.decode().splitlines()
    assert len(lines) == 1 and lines[0].startswith(f"fibonacci-api: {name} is '{held}': expected "), lines
