"""Whatever bytes arrive: an answer the contract names or an orderly close, and the service goes on."""

import contextlib
import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from checks import assert_problem, assert_value
from rawhttp import Connection, Response, exchange, parse_responses, request_bytes

HOST = b"Host: test.example\r\n"
GOOD = b"GET /v1/fib?n=10 HTTP/1.1\r\n" + HOST + b"\r\n"
SLUGS = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    408: "request-timeout",
    413: "content-too-large",
    414: "uri-too-long",
    431: "header-fields-too-large",
    501: "not-implemented",
    505: "http-version-not-supported",
}


@pytest.fixture(autouse=True)
def the_services_are_well_afterwards(service, impatient):
    yield
    service.assert_well()
    impatient.assert_well()


def answer_then_close(service, data: bytes, timeout: float = 10.0) -> Response:
    """Sends bytes that end a connection; returns the one answer."""
    with service.connect(timeout) as connection:
        connection.send_tolerantly(data)
        response = connection.read_response()
        assert response.closes, response.fields
        connection.assert_closed_by_server()
        return response


def assert_refused(service, data: bytes, *statuses: int) -> Response:
    """The answer is a problem with one of the statuses, and the connection ends with it."""
    response = answer_then_close(service, data)
    assert response.status in statuses, (response.status, response.body[:300])
    assert_problem(response, SLUGS[response.status], response.status)
    return response


def request_with(*lines: bytes, body: bytes = b"", method: bytes = b"GET") -> bytes:
    """A request for F(10) with more header lines, as they are."""
    return method + b" /v1/fib?n=10 HTTP/1.1\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


# --- Malformed requests -------------------------------------------------------------------------------------

MALFORMED = {
    "a line of words": b"what is the tenth number\r\n\r\n",
    "binary": bytes(range(128, 256)) + b"\r\n\r\n",
    "NUL bytes": b"\x00" * 64 + b"\r\n\r\n",
    "no version": b"GET /v1/fib?n=10\r\n" + HOST + b"\r\n",
    "no target": b"GET HTTP/1.1\r\n" + HOST + b"\r\n",
    "an empty target": b"GET  HTTP/1.1\r\n" + HOST + b"\r\n",
    "a space in the target": b"GET /v1/fib?n=1 0 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a fragment": b"GET /v1/fib?n=10#x HTTP/1.1\r\n" + HOST + b"\r\n",
    "another protocol": b"GET /v1/fib?n=10 HTCPCP/1.0\r\n" + HOST + b"\r\n",
    "a version without a number": b"GET /v1/fib?n=10 HTTP/\r\n" + HOST + b"\r\n",
    "a version with letters": b"GET /v1/fib?n=10 HTTP/one.one\r\n" + HOST + b"\r\n",
    "something after the version": b"GET /v1/fib?n=10 HTTP/1.1x\r\n" + HOST + b"\r\n",
    "a header without a colon": request_with(b"Accept text/plain"),
    "a header without a name": request_with(b": value"),
    "a space in a header name": request_with(b"X Y: value"),
    "a space before the colon": request_with(b"Accept : text/plain"),
    "a control character in a header name": request_with(b"X\x01: value"),
    "NUL in a header value": request_with(b"X: a\x00b"),
    "a bare CR in a header value": request_with(b"X: a\rb"),
    "no Host": b"GET /v1/fib?n=10 HTTP/1.1\r\n\r\n",
    "two equal Hosts": request_with(b"Host: test.example"),
    "two different Hosts": request_with(b"Host: other.example"),
    "a Host with a space": b"GET /v1/fib?n=10 HTTP/1.1\r\nHost: a b\r\n\r\n",
}

BAD_FRAMING = {
    "both lengths": request_with(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "both lengths, the other order": request_with(
        b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n"
    ),
    "two different lengths": request_with(b"Content-Length: 1", b"Content-Length: 2", body=b"ab"),
    "a list of different lengths": request_with(b"Content-Length: 1, 2", body=b"ab"),
    "a length with a plus sign": request_with(b"Content-Length: +2", body=b"ab"),
    "a negative length": request_with(b"Content-Length: -1"),
    "a hexadecimal length": request_with(b"Content-Length: 0x2", body=b"ab"),
    "a length with letters": request_with(b"Content-Length: 2x", body=b"ab"),
    "a length with a space": request_with(b"Content-Length: 1 2", body=b"ab"),
    "a chunk size that is no number": request_with(b"Transfer-Encoding: chunked", body=b"zz\r\nab\r\n0\r\n\r\n"),
    "a negative chunk size": request_with(b"Transfer-Encoding: chunked", body=b"-2\r\nab\r\n0\r\n\r\n"),
    "a chunk that is longer than its size": request_with(b"Transfer-Encoding: chunked", body=b"2\r\nabcd\r\n0\r\n\r\n"),
    "an enormous chunk size": request_with(b"Transfer-Encoding: chunked", body=b"FFFFFFFFFFFFFFFFF\r\n"),
}


@pytest.mark.parametrize("data", [pytest.param(value, id=label) for label, value in MALFORMED.items()])
def test_a_malformed_request_is_refused(service, data):
    # The words on a line may as well be read as a method that nobody knows.
    assert_refused(service, data, 400, 501, 505)


@pytest.mark.parametrize("data", [pytest.param(value, id=label) for label, value in BAD_FRAMING.items()])
def test_an_ambiguous_or_broken_body_is_refused(service, data):
    """The body may be judged after the answer to the head was sent; the connection ends in any case."""
    responses = send_and_collect(service, data)
    assert responses[-1].status == 400 or data.startswith(b"GET") and len(responses) == 1, responses
    if responses[-1].status == 400:
        assert_problem(responses[-1], "bad-request", 400)
    assert len(responses) == 1


@pytest.mark.parametrize("label", ["both lengths", "both lengths, the other order", "two different lengths"])
def test_a_body_with_two_lengths_is_never_answered_with_a_value(service, label):
    assert_refused(service, BAD_FRAMING[label], 400)


def send_and_collect(service, data: bytes, timeout: float = 15.0) -> list[Response]:
    """Sends bytes and everything is over: all the responses until the server closes."""
    with service.connect(timeout) as connection:
        connection.send_tolerantly(data)
        connection.finish_sending()
        return parse_responses(connection.read_until_closed())


@pytest.mark.parametrize(
    "lines",
    [
        (b"Content-Length: 6", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: chunked", b"Content-Length: 6"),
        (b"Content-Length: 0", b"Content-Length: 44"),
        (b"Transfer-Encoding: xchunked",),
        (b"Transfer-Encoding: chunked, identity",),
        (b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"),
        (b"Transfer-Encoding : chunked",),
        (b"Transfer-Encoding: \x0bchunked",),
        (b"Content-Length : 44",),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_a_request_cannot_be_smuggled_in_the_body_of_another(service, method, lines):
    """Where two readers may disagree about the length, nothing after the head is taken for a request."""
    smuggled = b"0\r\n\r\nGET /v1/fib?n=7 HTTP/1.1\r\n" + HOST + b"\r\n"
    responses = send_and_collect(service, request_with(*lines, body=smuggled, method=method))
    assert [response.status for response in responses] in ([400], [501]), responses
    assert_problem(responses[0], SLUGS[responses[0].status], responses[0].status)


@pytest.mark.parametrize(
    "data",
    [
        b"GET /v1/fib?n=10 HTTP/1.1\n" + b"Host: test.example\n\n",
        b"GET /v1/fib?n=10 HTTP/1.1\r\n" + b"Host: test.example\n\r\n",
        request_with(b"X: folded\r\n value"),
        b"GET /v1/fib?n=10 HTTP/1.1\r\nHost:\r\n\r\n",
        b"\r\n\r\n" + GOOD,
        b"GET  /v1/fib?n=10  HTTP/1.1\r\n" + HOST + b"\r\n",
    ],
    ids=["bare LF", "one bare LF", "a folded line", "an empty Host", "empty lines first", "two spaces"],
)
def test_what_a_server_may_tolerate_is_answered_or_refused(service, data):
    """RFC 9112 leaves the choice; either the right value or a 400."""
    with service.connect() as connection:
        connection.send(data)
        connection.finish_sending()
        response = connection.read_response()
    if response.status == 200:
        assert_value(response, 10, "json")
    else:
        assert_problem(response, "bad-request", 400)


# --- Versions and other protocols -----------------------------------------------------------------------------


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/3.7", b"HTTP/3.0"])
def test_another_major_version_gives_505(service, version):
    assert_refused(service, b"GET /v1/fib?n=10 " + version + b"\r\n" + HOST + b"\r\n", 505)


@pytest.mark.parametrize(
    "data",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(random.Random(1).randbytes(506)),
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"EHLO test.example\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n" + GOOD,
        b"GET /v1/fib?n=10\r\n",
    ],
    ids=["an HTTP/2 preface", "a TLS ClientHello", "SSH", "SMTP", "RESP", "a PROXY line", "HTTP/0.9"],
)
def test_another_protocol_is_refused(impatient, data):
    """A refusal that an HTTP client could read, or a close; never a value and never a fault of the service."""
    with impatient.connect() as connection:
        connection.send_tolerantly(data)
        received = connection.read_until_closed(8)
    if received:
        response = parse_responses(received)[0]
        assert response.status in (400, 408, 501, 505), response.status
        assert_problem(response, SLUGS[response.status], response.status)


def test_http_1_0_is_answered_and_the_connection_closed(service):
    with service.connect() as connection:
        connection.send(b"GET /v1/fib?n=10 HTTP/1.0\r\n\r\n")
        assert_value(connection.read_response(), 10, "json")
        connection.assert_closed_by_server()


def test_http_1_0_may_keep_the_connection(service):
    data = b"GET /v1/fib?n=10 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    with service.connect() as connection:
        for _ in range(3):
            connection.send(data)
            response = connection.read_response()
            assert_value(response, 10, "json")
            assert "keep-alive" in response.members("Connection")


def test_http_1_0_never_gets_chunks(service):
    response = exchange(service.port, b"GET /v1/fib?n=100000 HTTP/1.0\r\n\r\n")
    assert_value(response, 100_000, "json")


@pytest.mark.parametrize("value", ["close", "Close", "CLOSE", "keep-alive, close", "close, TE", "x,close ,y"])
def test_a_client_may_ask_for_the_end_of_the_connection(service, value):
    with service.connect() as connection:
        response = connection.request("/v1/fib?n=10", fields={"Connection": value})
        assert_value(response, 10, "json")
        assert response.closes
        connection.assert_closed_by_server()


def test_a_connection_is_kept_by_default(service):
    with service.connect() as connection:
        for n in range(200):
            assert connection.request(f"/v1/fib?n={n}").status == 200


def test_an_absolute_target_is_answered(service):
    assert_value(service.request("http://test.example/v1/fib?n=10"), 10, "json")
    assert_value(service.request("http://test.example:8000/v1/fib?n=10"), 10, "json")
    problem = assert_problem(service.request("http://test.example/nothing?x=1"), "not-found", 404)
    assert problem["instance"] == "/nothing"


# --- Limits ---------------------------------------------------------------------------------------------------


def target_of(length: int) -> str:
    return "/v1/fib?n=10&x=".ljust(length, "a")


def test_a_target_of_8192_bytes_is_taken(service):
    assert_value(service.request(target_of(8_192)), 10, "json")


@pytest.mark.parametrize("length", [8_193, 9_000, 15_000, 20_000, 100_000])
def test_a_longer_target_gives_414(service, length):
    assert_refused(service, request_bytes(target_of(length)), 414)


def test_a_path_that_is_too_long_gives_414_too(service):
    assert_refused(service, request_bytes("/" + "a" * 8_192), 414)


@pytest.mark.parametrize("length", [8_193, 100_000])
def test_a_long_target_in_small_pieces_gives_414(service, length):
    assert_dribbled_is_refused(service, request_bytes(target_of(length)), 414)


def assert_dribbled_is_refused(service, data: bytes, status: int) -> None:
    """The refusal may come, and the connection end, before all pieces are sent."""
    with service.connect() as connection:
        for start in range(0, len(data), 500):
            if not connection.send_tolerantly(data[start : start + 500]):
                break
            time.sleep(0.002)
        response = connection.read_response()
    assert_problem(response, SLUGS[status], status)


def test_a_header_section_below_16_kilobytes_is_taken(service):
    fields = [(f"X-Filler-{index}", "a" * 1_000) for index in range(14)]
    assert_value(service.request("/v1/fib?n=10", fields=fields), 10, "json")


@pytest.mark.parametrize(
    "fields",
    [
        [("X-Filler", "a" * 16_384)],
        [("X-Filler", "a" * 100_000)],
        [("a" * 16_384, "x")],
        [(f"X-Filler-{index}", "a" * 1_000) for index in range(17)],
        [("Cookie", "a" * 9_000), ("X-Other", "b" * 9_000)],
    ],
    ids=["one field", "one enormous field", "one long name", "many fields", "two fields"],
)
def test_a_header_section_over_16_kilobytes_gives_431(service, fields):
    assert_refused(service, request_bytes("/v1/fib?n=10", fields=fields), 431)


def test_large_headers_in_small_pieces_give_431(service):
    data = request_bytes("/v1/fib?n=10", fields={"X-Filler": "a" * 40_000})
    assert_dribbled_is_refused(service, data, 431)


@pytest.mark.parametrize(("count", "accepted"), [(100, True), (101, False), (500, False)])
def test_a_request_has_at_most_100_fields(service, count, accepted):
    """Host is one of them."""
    data = request_bytes("/v1/fib?n=10", fields=[(f"X-{index}", "x") for index in range(count - 1)])
    if accepted:
        assert_value(exchange(service.port, data), 10, "json")
    else:
        assert_refused(service, data, 431)


def test_a_head_of_exactly_the_limits_of_both_parts_is_taken(service):
    """The target's length does not count against the header section."""
    fields = [(f"X-Filler-{index}", "a" * 1_000) for index in range(14)]
    assert_value(service.request(target_of(8_192), fields=fields), 10, "json")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("length", [65_537, 10_000_000, 2**63 - 1])
def test_a_body_that_announces_too_much_gives_413(service, method, length):
    data = request_bytes("/v1/fib?n=10", method=method, fields={"Content-Length": str(length)})
    assert_refused(service, data + b"a" * 1_000, 413)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_chunked_body_that_grows_too_large_gives_413(service, method):
    chunk = b"1000\r\n" + b"a" * 4_096 + b"\r\n"
    data = request_bytes("/v1/fib?n=10", method=method, fields={"Transfer-Encoding": "chunked"})
    assert_refused(service, data + chunk * 17 + b"0\r\n\r\n", 413)


@pytest.mark.parametrize("length", [1, 1_000, 65_536])
def test_a_small_body_on_get_is_tolerated(service, length):
    """It means nothing, and the connection goes on behind it."""
    with service.connect() as connection:
        assert_value(connection.request("/v1/fib?n=10", body=b"a" * length), 10, "json")
        assert_value(connection.request("/v1/fib?n=11"), 11, "json")


def test_a_small_chunked_body_on_get_is_tolerated(service):
    body = b"5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n"
    with service.connect() as connection:
        connection.send(request_bytes("/v1/fib?n=10", fields={"Transfer-Encoding": "chunked"}) + body)
        assert_value(connection.read_response(), 10, "json")
        assert_value(connection.request("/v1/fib?n=11"), 11, "json")


def test_a_client_that_expects_100_continue_is_not_kept_waiting(service):
    """It gets a 100, or the final answer at once; either way before it has sent the body."""
    with service.connect() as connection:
        fields = {"Expect": "100-continue", "Content-Length": "10"}
        connection.send_request("/v1/fib?n=10", method="POST", fields=fields)
        begin = time.monotonic()
        response = connection.read_informational(timeout=5)
        assert response is not None, "neither a 100 nor an answer"
        assert time.monotonic() - begin < 1
        if response.status == 100:
            connection.send(b"0123456789")
            response = connection.read_response()
        assert response.status == 405


# --- Slow and silent clients ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "beginning",
    [b"G", b"GET /v1/fib?n=1", b"GET /v1/fib?n=10 HTTP/1.1\r\n", GOOD[:-2], request_with(b"X-Half: a")[:-3]],
    ids=["a byte", "half a target", "a request line", "all but the last CRLF", "half a field"],
)
def test_a_head_that_is_never_finished_gives_408(impatient, beginning):
    begin = time.monotonic()
    response = answer_then_close(impatient, beginning)
    assert_problem(response, "request-timeout", 408)
    assert 0.7 < time.monotonic() - begin < 4


def test_a_head_that_comes_drop_by_drop_gives_408(impatient):
    """The limit is for the whole head: a byte now and then does not extend it."""
    begin = time.monotonic()
    with impatient.connect() as connection:
        for byte in request_bytes("/v1/fib?n=10", fields={"X-Slow": "a" * 100}):
            if not connection.send_tolerantly(bytes([byte])) or time.monotonic() - begin > 3:
                break
            time.sleep(0.1)
        data = connection.read_until_closed(5)
    assert time.monotonic() - begin < 5
    if data:  # A byte that was under way when the server closed may have destroyed the answer.
        assert_problem(parse_responses(data)[0], "request-timeout", 408)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_body_that_is_never_finished_ends_the_connection(impatient, method):
    with impatient.connect() as connection:
        connection.send(request_bytes("/v1/fib?n=10", method=method, fields={"Content-Length": "10"}) + b"abc")
        responses = parse_responses(connection.read_until_closed(6))
    assert len(responses) <= 1 or responses[-1].status == 408
    for response in responses:
        assert response.status in ({"GET": 200, "POST": 405}[method], 408), response.status


def test_an_idle_connection_is_closed_without_a_word(impatient):
    with impatient.connect() as connection:
        assert connection.request("/v1/fib?n=10").status == 200
        begin = time.monotonic()
        connection.assert_closed_by_server(6)
        assert 1 < time.monotonic() - begin < 5


def test_a_connection_on_which_nothing_is_sent_is_closed_without_a_word(impatient):
    with impatient.connect() as connection:
        connection.assert_closed_by_server(6)


def test_a_connection_in_use_is_not_idle(impatient):
    """Requests a second apart keep a connection whose idle limit is two."""
    with impatient.connect() as connection:
        for _ in range(4):
            assert connection.request("/v1/fib?n=10").status == 200
            time.sleep(1)


def test_a_client_that_takes_nothing_of_its_answer_is_dropped(impatient):
    """Its connection ends in time, and others are served meanwhile."""
    with impatient.connect(receive_buffer=4_096) as connection:
        # More than the buffers of both kernels hold.
        for _ in range(8):
            connection.send_request("/v1/fib?n=9999999", fields={"Accept": "text/plain"})
        time.sleep(6)
        impatient.assert_well()
        received = connection.read_until_closed(10)
    assert len(received) < 8 * 2_089_877, "a client that was not reading got everything"


# --- Pieces, pipelines, halves --------------------------------------------------------------------------------


def test_a_request_byte_by_byte_is_answered(service):
    with service.connect() as connection:
        for byte in request_bytes("/v1/fib?n=10", fields={"Accept": "text/plain"}):
            connection.send(bytes([byte]))
            time.sleep(0.001)
        assert_value(connection.read_response(), 10, "text")
        assert_value(connection.request("/v1/fib?n=11"), 11, "json")


def test_fifty_requests_in_one_write_are_answered_in_order(service):
    """The first is the heaviest, and the methods differ: still first come, first answered."""
    requests = [("GET", 200_000)] + [("HEAD" if n % 7 == 0 else "GET", n) for n in range(49)]
    with service.connect() as connection:
        connection.send(b"".join(request_bytes(f"/v1/fib?n={n}", method=method) for method, n in requests))
        for method, n in requests:
            assert_value(connection.read_response(method), n, "json", head=method == "HEAD")


def test_pipelined_requests_after_a_close_are_not_answered(service):
    data = request_bytes("/v1/fib?n=10", fields={"Connection": "close"}) + request_bytes("/v1/fib?n=11")
    with service.connect() as connection:
        connection.send(data)
        responses = parse_responses(connection.read_until_closed())
    assert len(responses) == 1
    assert_value(responses[0], 10, "json")


def test_pipelined_requests_before_a_malformed_one_are_answered(service):
    responses = send_and_collect(service, request_bytes("/v1/fib?n=10") + b"\x00garbage\r\n\r\n" + GOOD)
    assert_value(responses[0], 10, "json")
    assert_problem(responses[1], "bad-request", 400)
    assert len(responses) == 2


def test_pipelined_problems_keep_their_places(service):
    targets = [
        ("/v1/fib?n=abc", 400),
        ("/v1/fib?n=5", 200),
        ("/nothing", 404),
        ("/v1/fib?n=99999999", 422),
        ("/healthz", 200),
    ]
    with service.connect() as connection:
        connection.send(b"".join(request_bytes(target) for target, _ in targets))
        assert [connection.read_response().status for _ in targets] == [status for _, status in targets]


def test_a_client_that_finished_sending_still_gets_its_answers(service):
    with service.connect() as connection:
        connection.send(request_bytes("/v1/fib?n=10") + request_bytes("/v1/fib?n=1000"))
        connection.finish_sending()
        responses = parse_responses(connection.read_until_closed())
    assert_value(responses[0], 10, "json")
    assert_value(responses[1], 1_000, "json")


@pytest.mark.parametrize(
    "data", [b"", b"G", GOOD[:20], GOOD[:-1]], ids=["nothing", "a byte", "20 bytes", "all but one"]
)
def test_a_client_that_leaves_in_the_middle_is_let_go(service, data):
    """No value for half a request, and the connection does not linger."""
    with service.connect() as connection:
        connection.send(data)
        connection.finish_sending()
        received = connection.read_until_closed(5)
    assert not received or parse_responses(received)[0].status in (400, 408)


def test_clients_that_reset_their_connections_do_no_harm(service):
    for index in range(200):
        connection = service.connect()
        connection.send_tolerantly((GOOD, GOOD[:15], b"", request_bytes("/v1/fib?n=150000"))[index % 4])
        connection.reset()


# --- Random bytes ---------------------------------------------------------------------------------------------


def random_bytes(generator: random.Random) -> bytes:
    """Bytes from nowhere, or a good request with a few bytes changed, removed, repeated or inserted."""
    if generator.random() < 0.3:
        return generator.randbytes(generator.randrange(1, 400))
    data = bytearray(request_with(b"Accept: */*", b"Content-Length: 3", b"X-Request-ID: fuzz", body=b"abc"))
    for _ in range(generator.randrange(1, 6)):
        place = generator.randrange(len(data))
        kind = generator.randrange(4)
        if kind == 0:
            data[place] = generator.randrange(256)
        elif kind == 1:
            del data[place : place + generator.randrange(1, 8)]
        elif kind == 2:
            data[place:place] = data[place : place + generator.randrange(1, 30)]
        else:
            data[place:place] = generator.choice(
                [b"\r\n", b"\n", b"\r", b"\x00", b":", b" ", b"\xff", b"chunked", b"%00"]
            )
        if not data:
            break
    return bytes(data)


def fuzz_once(port: int, data: bytes) -> None:
    """Whole responses or nothing, each one of a kind that the contract knows, then the end."""
    with Connection(port, 10) as connection:
        connection.send_tolerantly(data)
        connection.finish_sending()
        received = connection.read_until_closed(8)
    for response in parse_responses(received):
        assert response.status < 500 or response.status in (501, 505), (response.status, data)
        if response.status >= 400 and response.body:
            assert response.media_type == "application/problem+json", (response, data)


@pytest.mark.parametrize("seed", range(4))
def test_random_bytes_never_cause_a_fault(impatient, seed):
    generator = random.Random(seed)
    samples = [random_bytes(generator) for _ in range(150)]
    with ThreadPoolExecutor(16) as pool:
        for outcome in [pool.submit(fuzz_once, impatient.port, sample) for sample in samples]:
            outcome.result(60)


# --- Many connections -----------------------------------------------------------------------------------------


def test_connections_above_the_limit_wait_until_one_ends(start):
    service = start(HTTP_MAX_CONNECTIONS=4)
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(service.connect()) for _ in range(4)]
        for connection in held:
            assert connection.request("/v1/fib?n=10").status == 200
        fifth = stack.enter_context(service.connect())
        fifth.send(GOOD)
        assert fifth.is_silent_for(0.7)
        assert held[1].request("/v1/fib?n=10").status == 200
        held[0].close()
        assert_value(fifth.read_response(timeout=5), 10, "json")
    service.stop()


def test_five_hundred_connections_at_once_are_served(service):
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(service.connect()) for _ in range(500)]
        for connection in connections:
            connection.send(GOOD)
        for connection in connections:
            assert connection.read_response().status == 200
