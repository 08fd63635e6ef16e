"""The image and the compose stack, as far as their files tell: hardened, bounded, of one mind with what they mount."""

import re
from urllib.parse import urlsplit

import pytest
import yaml
from deployment import ALERTMANAGER, GRAFANA, LOGGING, PROMETHEUS, load
from service import REPOSITORY

BASE = load(REPOSITORY / "compose.yml")
OVERLAY = load(REPOSITORY / "compose.logging.yml")
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()

# Where an image leaves no choice, with the reason.
USER_OF_THE_IMAGE = {"loki": "it has a user of its own, which owns its volume"}
ROOT = {"fluent-bit": "volumes are root's in its image"}
WITHOUT_HEALTH_CHECK = {"fluent-bit": "its image holds nothing that could ask"}


def merged() -> dict[str, dict]:
    """The services of both files, the overlay's laid over the others."""
    services = {name: dict(service) for name, service in BASE["services"].items()}
    for name, service in OVERLAY["services"].items():
        base = services.get(name, {})
        services[name] = base | service | {"depends_on": base.get("depends_on", {}) | service.get("depends_on", {})}
    return services


SERVICES = merged()
each_service = pytest.mark.parametrize("name", SERVICES)


def published(services: dict[str, dict]) -> dict[int, str]:
    """Port of the machine → service."""
    ports = [(mapping, name) for name, service in services.items() for mapping in service.get("ports", [])]
    assert all(mapping.startswith("127.0.0.1:") for mapping, _ in ports), ports
    return {int(mapping.split(":")[1]): name for mapping, name in ports}


def reaches(source: str, target: str) -> bool:
    return bool(set(SERVICES[source]["networks"]) & set(SERVICES[target]["networks"]))


# compose.yml, compose.logging.yml


@each_service
def test_a_service_may_do_no_more_than_it_has_to(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "network_mode", "pid", "ipc", "userns_mode"} & set(service)
    if name not in USER_OF_THE_IMAGE:
        user = service["user"]
        assert re.fullmatch(r"\d+:\d+", user)
        assert (user.split(":")[0] == "0") == (name in ROOT)


@each_service
def test_a_service_is_bounded(name):
    service = SERVICES[name]
    assert 0 < service["cpus"] <= 2
    assert re.fullmatch(r"\d+m", service["mem_limit"])
    assert 0 < service["pids_limit"] <= 256
    assert service["logging"]["driver"] == "fluentd" or {"max-size", "max-file"} <= set(service["logging"]["options"])


@each_service
def test_an_image_has_a_version(name):
    service = SERVICES[name]
    if "build" not in service:
        assert re.search(r":v?\d+(\.\d+)*[\w.-]*(@sha256:[0-9a-f]{64})?$", service["image"])


@each_service
def test_a_service_tells_how_it_is_and_waits_for_others_that_do(name):
    service = SERVICES[name]
    assert ("healthcheck" in service) == (name not in WITHOUT_HEALTH_CHECK)
    if "healthcheck" in service:
        # Without a shell, which some images lack.
        assert service["healthcheck"]["test"][0] == "CMD"
    for other, dependency in service["depends_on"].items() if "depends_on" in service else []:
        assert other in SERVICES
        assert reaches(name, other) or name == "api"
        assert dependency["condition"] in {"service_started", "service_healthy"}
        assert dependency["condition"] == "service_started" or "healthcheck" in SERVICES[other]


@each_service
def test_what_is_mounted_is_there_and_read_only(name):
    volumes = BASE["volumes"] | OVERLAY["volumes"]
    for mount in SERVICES[name].get("volumes", []):
        source, target, *mode = mount.split(":")
        assert target.startswith("/")
        if source.startswith("./"):
            assert (REPOSITORY / source).exists(), mount
            assert mode == ["ro"]
        else:
            assert source in volumes


def test_only_what_people_ask_is_published():
    assert published(BASE["services"]) == {8000: "api", 9090: "prometheus", 3000: "grafana", 16686: "jaeger"}
    assert published(OVERLAY["services"]) == {24224: "fluent-bit", 3100: "loki"}


def test_redis_is_reached_by_the_service_only():
    assert BASE["networks"]["data"]["internal"] is True
    on_data = {name for name, service in SERVICES.items() if "data" in service["networks"]}
    assert on_data == {"api", "redis-cache", "redis-limiter"}


def test_the_cache_makes_room_and_the_limiter_does_not():
    def option(name: str, key: str) -> str:
        command = SERVICES[name]["command"]
        return command[command.index(f"--{key}") + 1]

    assert option("redis-cache", "maxmemory-policy") == "allkeys-lfu"
    assert option("redis-limiter", "maxmemory-policy") == "noeviction"
    for name in ("redis-cache", "redis-limiter"):
        bound = int(option(name, "maxmemory").removesuffix("mb"))
        assert bound <= int(SERVICES[name]["mem_limit"].removesuffix("m")) * 3 / 4
        assert (option(name, "save"), option(name, "appendonly")) == ("", "no")


def test_the_service_has_settings_that_there_are_and_others_that_it_reaches():
    api = SERVICES["api"]
    readme = (REPOSITORY / "README.md").read_text()
    for variable, value in api["environment"].items():
        assert f"| `{variable}` |" in readme
        if "://" in value:
            assert reaches("api", urlsplit(value).hostname)
    assert int(api["environment"]["COMPUTE_THREADS"]) == api["cpus"]
    # The defaults: a drain of 5 s, then 20 s for what is in flight.
    assert int(api["stop_grace_period"].removesuffix("s")) > 5 + 20


def test_prometheus_finds_what_it_is_told_of():
    configuration = load(PROMETHEUS / "prometheus.yml")
    sections = configuration["scrape_configs"] + configuration["alerting"]["alertmanagers"]
    targets = [target for section in sections for part in section["static_configs"] for target in part["targets"]]
    hosts = {target.split(":")[0] for target in targets} - {"localhost"}
    assert hosts == {"api", "alertmanager"}
    assert all(reaches("prometheus", host) for host in hosts)
    assert "--enable-feature=exemplar-storage" in SERVICES["prometheus"]["command"]


def test_grafana_finds_its_data_sources_and_anybody_may_look():
    sources = load(GRAFANA / "provisioning" / "datasources" / "datasources.yml")["datasources"]
    assert {source["uid"] for source in sources} == {"prometheus", "jaeger", "loki"}
    assert all(reaches("grafana", urlsplit(source["url"]).hostname) for source in sources)
    provider = load(GRAFANA / "provisioning" / "dashboards" / "dashboards.yml")["providers"][0]
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in SERVICES["grafana"]["volumes"]
    environment = SERVICES["grafana"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert environment["GF_SECURITY_ADMIN_USER"] == "admin"


def test_lines_find_their_way():
    options = SERVICES["api"]["logging"]["options"]
    assert options["fluentd-async"] == "true"
    assert options["fluentd-address"] in SERVICES["fluent-bit"]["ports"][0]
    assert reaches("fluent-bit", load(LOGGING / "fluent-bit" / "compose.yaml")["env"]["LOKI_HOST"])


def test_secrets_are_files_and_those_in_the_repository_open_nothing():
    text = (ALERTMANAGER / "alertmanager.yml").read_text()
    named = set(re.findall(r"/etc/alertmanager/secrets/\S+", text))
    assert {secret["target"] for secret in SERVICES["alertmanager"]["secrets"]} == named
    for secret in BASE["secrets"].values():
        match = re.fullmatch(r"\$\{ALERTMANAGER_SECRETS:-\./(.+)\}/(.+)", secret["file"])
        content = (REPOSITORY / match[1] / match[2]).read_text().strip()
        assert content in {"placeholder", "http://127.0.0.1:9/placeholder"}


def test_the_files_are_read_as_they_are_meant():
    # Anchors that are merged, versions that look like numbers, `no` that is a word: all of it has survived.
    for document in (BASE, OVERLAY):
        assert yaml.safe_load(yaml.safe_dump(document)) == document
        assert all("<<" not in service for service in document["services"].values())
    for service in SERVICES.values():
        assert all(isinstance(word, str) for word in service.get("command", []))
        assert all(isinstance(value, str) for value in service.get("environment", {}).values())


# Dockerfile, .dockerignore


def instructions() -> list[tuple[str, str]]:
    """Instruction and arguments, lines joined."""
    lines = [line for line in DOCKERFILE.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def stages() -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for instruction, arguments in instructions():
        if instruction == "FROM":
            found[arguments.split(" AS ")[1]] = []
        if found:
            list(found.values())[-1].append((instruction, arguments))
    return found


def test_images_that_are_built_upon_have_a_tag():
    arguments = dict(value.split("=") for name, value in instructions() if name == "ARG" and "=" in value)
    for name in ("SWIFT_IMAGE", "RUNTIME_IMAGE"):
        tag = arguments[name].split("@")[0].rpartition(":")[2]
        assert tag != "latest" and "/" not in tag
    sources = {arguments.split()[0] for name, arguments in instructions() if name == "FROM"}
    assert sources == {"${SWIFT_IMAGE}", "${RUNTIME_IMAGE}", "dependencies"}


def test_the_stage_that_is_shipped_is_the_last_and_runs_nothing():
    name, content = list(stages().items())[-1]
    assert name == "runtime"
    assert not [entry for entry in content if entry[0] in {"RUN", "ADD", "VOLUME"}]
    copies = [arguments for instruction, arguments in content if instruction == "COPY"]
    assert len(copies) == 1 and "--chmod=0555" in copies[0] and "--chown=0:0" in copies[0]


def test_the_image_says_how_it_is_run():
    content = dict(stages()["runtime"])
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", content["USER"])
    assert content["USER"] == SERVICES["api"]["user"]
    assert content["STOPSIGNAL"] == "SIGTERM"
    assert content["ENTRYPOINT"] == '["/usr/local/bin/fibonacci-api"]'
    assert content["CMD"] == '["serve"]'
    assert content["HEALTHCHECK"].endswith('CMD ["/usr/local/bin/fibonacci-api", "healthcheck"]')
    labels = re.findall(r"org\.opencontainers\.image\.([a-z.]+)=", content["LABEL"])
    assert {"title", "description", "licenses", "version", "revision", "created", "base.name"} <= set(labels)


def test_whoever_builds_gives_arguments_that_there_are():
    declared = {arguments.split("=")[0] for name, arguments in instructions() if name == "ARG"}
    assert set(BASE["services"]["api"]["build"]["args"]) <= declared
    release = load(REPOSITORY / ".github" / "workflows" / "release.yml")
    steps = [step["with"] for job in release["jobs"].values() for step in job.get("steps", []) if "with" in step]
    built = {step["context"]: step["build-args"] for step in steps if "build-args" in step}
    assert built.keys() == {".", "deploy/redis/backup"}
    for context, block in built.items():
        file = (REPOSITORY / context / "Dockerfile").read_text()
        given = {line.split("=")[0] for line in block.splitlines()}
        assert {"VERSION", "REVISION", "CREATED"} <= given <= set(re.findall(r"^ARG (\w+)", file, re.M))


def test_no_secret_gets_into_a_build():
    names = [arguments for instruction, arguments in instructions() if instruction in {"ARG", "ENV"}]
    assert not re.search(r"PASSWORD|SECRET|TOKEN|KEY", " ".join(names), re.I)
    assert not [arguments for instruction, arguments in instructions() if instruction == "ADD"]


def test_a_build_sees_what_it_needs_and_nothing_else():
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    admitted = {rule[1:] for rule in rules if rule.startswith("!")}
    manifest = (REPOSITORY / "Package.swift").read_text()
    needed = set(re.findall(r'path: "([^"\\]+)', manifest)) | {"Package.swift", "dependencies.lock", "Sources", "Tests"}
    links = [path for path in (REPOSITORY / "Tests").rglob("*") if path.is_symlink()]
    needed |= {str(path.resolve().relative_to(REPOSITORY)) for path in links} | {"Fuzz/Corpus"}
    for path in needed:
        assert any(path == one or path.startswith(f"{one}/") for one in admitted), f"{path} is missing in .dockerignore"
    assert not any(one.startswith(".") or one.startswith("deploy") for one in admitted)
