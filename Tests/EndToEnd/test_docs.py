"""The description is valid and tells the truth; the pages need nothing from anywhere else."""

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from checks import assert_common_fields
from openapi_spec_validator import OpenAPIV31SpecValidator

PAGES = ["/", "/docs"]
CONDITIONAL = ["/", "/docs", "/openapi.json"]
STATUSES = {"200", "304", "400", "405", "406", "412", "422", "429", "503"}
BUDGET = {"x-ratelimit-cost", "x-ratelimit-remaining", "ratelimit-policy", "ratelimit", "x-ratelimit-mode"}
HEADERS = {"etag", "cache-control", "vary", "cache-status", "x-precision", "x-request-id"} | BUDGET
SLUGS = [
    "invalid-parameter",
    "bad-request",
    "n-too-large",
    "cost-exceeds-budget",
    "quota-exceeded",
    "not-found",
    "method-not-allowed",
    "not-acceptable",
    "request-timeout",
    "precondition-failed",
    "content-too-large",
    "uri-too-long",
    "header-fields-too-large",
    "internal-error",
    "not-implemented",
    "overloaded",
    "http-version-not-supported",
]
POLICY = {
    "default-src": "'none'",
    "style-src": "'unsafe-inline'",
    "img-src": "data:",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


class Page(HTMLParser):
    """What a page is made of and refers to."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: set[str] = set()
        self.references: list[str] = []
        self.handlers: list[str] = []
        self.anchors: set[str] = set()
        self.language: str | None = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        for name, value in attributes:
            if name in ("src", "href", "action", "srcset", "poster", "data", "formaction"):
                self.references.append(value or "")
            elif name == "id":
                self.anchors.add(value)
            elif name.startswith("on"):
                self.handlers.append(name)
            elif tag == "html" and name == "lang":
                self.language = value


@pytest.fixture(scope="module")
def description(service) -> dict:
    return service.request("/openapi.json").json()


def page(service, path: str) -> Page:
    return Page(service.request(path).body.decode())


def resolve(description: dict, node: dict) -> dict:
    """The object that a local reference stands for."""
    while "$ref" in node:
        assert node["$ref"].startswith("#/"), "a reference to another document"
        target = description
        for part in node["$ref"][2:].split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def operation(description: dict, method: str = "get") -> dict:
    return description["paths"]["/v1/fib"][method]


def test_the_description_is_valid_openapi_3_1(description):
    assert description["openapi"].startswith("3.1.")
    errors = list(OpenAPIV31SpecValidator(description).iter_errors())
    assert errors == []


def test_the_description_is_json(service):
    response = service.request("/openapi.json")
    assert (response.status, response.media_type) == (200, "application/json")
    assert_common_fields(response)


def test_the_description_has_the_version_that_runs(service, description):
    assert description["info"]["version"] == service.admin("/version").json()["version"]


def test_every_public_path_is_described(description):
    assert {"/v1/fib", "/v1/cost", "/openapi.json", "/docs", "/healthz", "/"} <= set(description["paths"])


def test_nothing_operational_is_described(description):
    assert not {"/metrics", "/livez", "/readyz", "/version"} & set(description["paths"])


@pytest.mark.parametrize("method", ["get", "head"])
def test_every_status_is_described(description, method):
    assert set(operation(description, method)["responses"]) >= STATUSES


@pytest.mark.parametrize("method", ["get", "head"])
def test_every_field_of_a_value_is_described(description, method):
    response = resolve(description, operation(description, method)["responses"]["200"])
    assert {name.lower() for name in response["headers"]} >= HEADERS


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("status", sorted(STATUSES))
def test_the_budget_is_described_with_every_status(description, method, status):
    response = resolve(description, operation(description, method)["responses"][status])
    assert {name.lower() for name in response["headers"]} >= BUDGET


@pytest.mark.parametrize("status", ["429", "503"])
def test_the_time_to_retry_is_described(description, status):
    response = resolve(description, operation(description)["responses"][status])
    assert "retry-after" in {name.lower() for name in response["headers"]}


def test_every_problem_type_is_described(description):
    types = description["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    assert sorted(types) == sorted(f"/docs#{slug}" for slug in SLUGS)


def test_both_representations_and_the_problem_are_described(description):
    responses = operation(description)["responses"]
    value = resolve(description, responses["200"])
    assert {name.split(";")[0] for name in value["content"]} == {"application/json", "text/plain"}
    for status in STATUSES - {"200", "304"}:
        assert set(resolve(description, responses[status])["content"]) == {"application/problem+json"}, status


def test_every_reference_stays_within_the_description(description):
    def walk(node):
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                resolve(description, node)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(description)


@pytest.mark.parametrize("n", [10, 100_000, 1_000_000, 10_000_000])
def test_the_reference_tells_the_cost_that_is_taken(service, n):
    answer = service.request(f"/v1/cost?n={n}").json()
    row = f'<th scope="row">{n:,}</th><td>{answer["digits"]:,}</td><td>{answer["cost"]}</td>'
    assert row in service.request("/docs").body.decode()


def test_the_description_names_the_fields_that_scripts_may_read(service, description):
    exposed = service.request("/healthz").field("Access-Control-Expose-Headers")
    assert description["components"]["headers"]["ExposeHeaders"]["example"] == exposed
    assert exposed in service.request("/docs").body.decode()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_html_that_runs_no_script(service, path):
    response = service.request(path)
    assert (response.status, response.field("Content-Type").lower()) == (200, "text/html; charset=utf-8")
    assert_common_fields(response)
    directives = dict(
        part.strip().split(" ", 1) for part in response.field("Content-Security-Policy").split(";") if part.strip()
    )
    assert directives == POLICY
    assert response.field("X-Content-Type-Options") == "nosniff"
    parsed = page(service, path)
    assert not {"script", "iframe", "object", "embed"} & parsed.tags
    assert parsed.handlers == []
    assert parsed.language == "en"
    assert "title" in parsed.tags and "h1" in parsed.tags


@pytest.mark.parametrize("path", PAGES)
def test_a_page_needs_no_other_host(service, path):
    text = service.request(path).body.decode()
    for reference in Page(text).references:
        assert not urlsplit(reference).netloc, f"{path} refers to {reference}"
    assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", text)


@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_a_page_leads_somewhere(service, path):
    for reference in page(service, path).references:
        if reference.startswith("data:"):
            continue
        target, _, anchor = reference.partition("#")
        response = service.request(target or path)
        # A form names the resource without its parameter.
        assert response.status == 200 or target == "/v1/fib", f"{reference} gives {response.status}"
        if anchor:
            assert anchor in Page(response.body.decode()).anchors, f"no anchor for {reference}"


def test_every_problem_type_leads_to_its_explanation(service):
    anchors = page(service, "/docs").anchors
    assert [slug for slug in SLUGS if slug not in anchors] == []


def test_the_reference_names_every_field(service):
    text = service.request("/docs").body.decode().lower()
    assert [name for name in HEADERS if name not in text] == []


@pytest.mark.parametrize("path", CONDITIONAL)
def test_pages_and_description_are_conditional(service, path):
    first = service.request(path)
    tag = first.field("ETag")
    assert re.fullmatch(r'"[^"]+"', tag), tag
    assert set(first.members("Cache-Control")) == {"public", "max-age=300"}
    for value in (tag, f"W/{tag}", "*", f'"a", {tag}'):
        again = service.request(path, fields={"If-None-Match": value})
        assert (again.status, again.body, again.field("ETag")) == (304, b"", tag)
        assert again.field("Content-Length") is None
    assert service.request(path, fields={"If-None-Match": '"other"'}).body == first.body
    assert service.request(path, fields={"If-Match": '"other"'}).status == 412


def test_each_page_has_a_tag_of_its_own(service):
    assert len({service.request(path).field("ETag") for path in CONDITIONAL}) == 3


def test_the_tag_is_the_same_in_another_process(service, start):
    other = start()
    for path in CONDITIONAL:
        assert other.request(path).field("ETag") == service.request(path).field("ETag")
    other.stop()
