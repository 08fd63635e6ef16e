"""What Argo CD would make of deploy/argocd: Applications from an ApplicationSet, manifests from an Application."""

from __future__ import annotations

import copy
import pathlib
import re
import subprocess

import yaml
from helm import run_helm
from redis_server import require
from service import REPOSITORY

ARGOCD = REPOSITORY / "deploy" / "argocd"
POLICIES = REPOSITORY / "deploy" / "policies"
REDIS = REPOSITORY / "deploy" / "redis"
WORKFLOW = REPOSITORY / ".github" / "workflows" / "release.yml"
ENVIRONMENTS = ("production", "staging")
# Not namespaced, as far as this repository could come across them.
CLUSTER_SCOPED = {
    "Namespace",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "ClusterPolicy",
    "PriorityClass",
}

# The one thing that the templates use of Go's language: a field of the generator's parameters.
FIELD = re.compile(r"\{\{ \.([A-Za-z]+(?:\.[A-Za-z]+)*) \}\}")


class MissingKey(Exception):
    """What `missingkey=error` makes of a field that is not there."""


def documents(path: pathlib.Path) -> list[dict]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def load(name: str) -> dict:
    (document,) = documents(ARGOCD / name)
    return document


def release(version: str = "1.2.3", **changes: str) -> dict:
    """What a release file says; each value of its own, so that one in the wrong place is seen."""
    return {
        "version": version,
        "digest": "sha256:" + "d" * 64,
        "revision": "a" * 40,
        "redisRevision": "b" * 40,
    } | changes


def parameters(generator: dict, releases: dict[str, dict]) -> list[dict]:
    """What the Git generator finds, where `releases` are the contents of the release files."""
    (files,) = generator["git"]["files"]
    found = []
    for environment, content in sorted(releases.items()):
        path = pathlib.PurePosixPath(f"deploy/argocd/environments/{environment}/release.yaml")
        assert path.match(files["path"]), f"{files['path']} does not find {path}"
        place = {
            "path": str(path.parent),
            "basename": path.parent.name,
            "filename": path.name,
            "segments": list(path.parent.parts),
        }
        found.append(content | {"path": place})
    return found


def field(values: dict, name: str) -> str:
    value: object = values
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            raise MissingKey(name)
        value = value[part]
    assert isinstance(value, str), f"{name} is {value!r}, which Go might write in another way"
    return value


def render(template: object, values: dict) -> object:
    """Each string is a template of its own, as in Argo CD; nothing else is."""
    if isinstance(template, dict):
        return {render(key, values): render(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [render(item, values) for item in template]
    if isinstance(template, str):
        text = FIELD.sub(lambda match: field(values, match[1]), template)
        assert "{{" not in text, f"more of Go's templates than this test knows: {template}"
        return text
    return template


def applications(name: str, releases: dict[str, dict]) -> dict[str, dict]:
    """The Applications of an ApplicationSet, by environment."""
    specification = load(name)["spec"]
    assert specification["goTemplate"] is True
    assert specification["goTemplateOptions"] == ["missingkey=error"]
    (generator,) = specification["generators"]
    return {
        values["path"]["basename"]: render(copy.deepcopy(specification["template"]), values)
        for values in parameters(generator, releases)
    }


def manifests(application: dict) -> list[dict]:
    """What the chart renders for an Application. Pods of `helm test` are none of Argo CD's."""
    specification = application["spec"]
    source = specification["source"]
    arguments: list[str | pathlib.Path] = []
    for file in source["helm"]["valueFiles"]:
        # With a slash at its start a path begins at the root of the repository.
        assert file.startswith("/"), file
        arguments += ["--values", REPOSITORY / file[1:]]
    for parameter in source["helm"]["parameters"]:
        arguments += [
            "--set-string" if parameter["forceString"] else "--set",
            f"{parameter['name']}={parameter['value']}",
        ]
    done = run_helm(
        "template",
        source["helm"]["releaseName"],
        REPOSITORY / source["path"],
        "--namespace",
        specification["destination"]["namespace"],
        *arguments,
    )
    assert done.returncode == 0, done.stderr
    rendered = [document for document in yaml.safe_load_all(done.stdout) if document]
    return [one for one in rendered if one["metadata"].get("annotations", {}).get("helm.sh/hook") != "test"]


def group_and_kind(manifest: dict) -> tuple[str, str]:
    group, _, _ = manifest["apiVersion"].rpartition("/")
    return group, manifest["kind"]


def images(value: object) -> set[str]:
    """The images of all containers below a value."""
    if isinstance(value, dict):
        containers = [item for key, item in value.items() if key in ("containers", "initContainers")]
        own = {one["image"] for group in containers for one in group or [] if isinstance(one, dict) and "image" in one}
        return own.union(*(images(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(images(item) for item in value))
    return set()


def redis_manifests(environment: str) -> list[dict]:
    """What Kustomize makes of the directory that Argo CD reads Redis from."""
    directory = REDIS / environment
    assert (directory / "kustomization.yaml").is_file(), (
        f"{directory.relative_to(REPOSITORY)} has no kustomization.yaml"
    )
    command = [require("kubectl", "kubernetes-client"), "kustomize", directory]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    return [document for document in yaml.safe_load_all(result.stdout) if document]


def kinds_of_redis() -> set[tuple[str, str]]:
    """All kinds of deploy/redis, those of parts that an environment may or may not include."""
    found = set()
    for path in REDIS.rglob("*.yaml"):
        for document in documents(path):
            if "kind" in document and "kustomize.config.k8s.io" not in document["apiVersion"]:
                found.add(group_and_kind(document))
    return found
