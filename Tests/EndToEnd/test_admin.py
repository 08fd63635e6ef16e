"""The admin port tells a platform how the process is; the public port tells nobody."""

import pytest
from checks import assert_problem
from rawhttp import Connection

ADMIN_PATHS = ["/livez", "/readyz", "/version"]
PUBLIC_PATHS = ["/v1/fib?n=10", "/docs", "/openapi.json", "/healthz", "/"]


def test_a_live_process_says_so(service):
    response = service.admin("/livez")
    assert (response.status, response.json()) == (200, {"status": "ok"})


def test_a_ready_service_says_so(service):
    response = service.admin("/readyz")
    assert (response.status, response.json()) == (200, {"status": "ready"})


def test_the_version_says_what_runs(service):
    response = service.admin("/version")
    assert response.status == 200
    version = response.json()
    assert set(version) == {"name", "version", "commit", "swift", "kernel"}
    assert version["name"] == "fibonacci-api"
    for name in ("version", "swift", "kernel"):
        assert isinstance(version[name], str) and version[name]
    assert version["commit"] is None or isinstance(version["commit"], str)


@pytest.mark.parametrize("path", ADMIN_PATHS)
def test_answers_are_json_and_never_stored(service, path):
    response = service.admin(path)
    assert response.media_type == "application/json"
    assert "no-store" in response.members("Cache-Control")
    assert response.field("Content-Length") == str(len(response.body))


@pytest.mark.parametrize("path", ADMIN_PATHS)
def test_head_is_answered_without_a_body(service, path):
    get, head = service.admin(path), service.admin(path, method="HEAD")
    assert (head.status, head.field("Content-Length")) == (200, get.field("Content-Length"))


@pytest.mark.parametrize("path", ADMIN_PATHS)
def test_nothing_can_be_changed(service, path):
    response = service.admin(path, method="POST")
    assert response.status == 405
    assert "get" in response.members("Allow")
    assert response.media_type == "application/problem+json"


@pytest.mark.parametrize("path", [*ADMIN_PATHS, "/metrics"])
def test_nothing_operational_is_on_the_public_port(service, path):
    assert_problem(service.request(path), "not-found", 404)


@pytest.mark.parametrize("path", PUBLIC_PATHS)
def test_nothing_public_is_on_the_admin_port(service, path):
    response = service.admin(path)
    assert (response.status, response.media_type) == (404, "application/problem+json")


def test_malformed_bytes_on_the_admin_port_do_no_harm(service):
    no_host = b"GET /readyz HTTP/1.1\r\n\r\n"
    for data in (b"\x00" * 100 + b"\r\n\r\n", no_host, b"POST /livez HTTP/1.1\r\nContent-Length: x\r\n\r\n"):
        with Connection(service.admin_port) as connection:
            connection.send_tolerantly(data)
            connection.finish_sending()
            assert b" 200 " not in connection.read_until_closed()
    assert service.readiness() == 200
