"""Argo CD's files make the Applications that they are meant to, within the bounds of their project."""

import json
import re
import shutil
import subprocess

import pytest
import yaml
from gitops import (
    ARGOCD,
    CLUSTER_SCOPED,
    ENVIRONMENTS,
    FIELD,
    WORKFLOW,
    MissingKey,
    applications,
    documents,
    field,
    group_and_kind,
    images,
    kinds_of_redis,
    load,
    manifests,
    parameters,
    redis_manifests,
    release,
)
from helm import run_helm
from service import REPOSITORY

SERVICE, OF_REDIS = "applicationset.yaml", "applicationset-redis.yaml"
SETS = [SERVICE, OF_REDIS]
STAGING = release("1.3.0", revision="1" * 40, redisRevision="2" * 40, digest="sha256:" + "3" * 64)
PRODUCTION = release("1.2.3", revision="4" * 40, redisRevision="5" * 40, digest="sha256:" + "6" * 64)
BOTH = {"staging": STAGING, "production": PRODUCTION}
PROJECT = load("project.yaml")["spec"]
# What is built or downloaded, and the history.
LARGE = (".git", ".build*", ".venv*", ".*_cache", "__pycache__")
ALLOWED = {(entry["group"], entry["kind"]) for entry in PROJECT["namespaceResourceWhitelist"]}


def templates(value: object) -> list[str]:
    """All strings of an ApplicationSet's template that are templates."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in templates(item)]
    if isinstance(value, list):
        return [text for item in value for text in templates(item)]
    return [value] if isinstance(value, str) and "{{" in value else []


@pytest.fixture(scope="module")
def rendered() -> dict[str, list[dict]]:
    """What the chart renders in each environment."""
    return {name: manifests(application) for name, application in applications(SERVICE, BOTH).items()}


def test_everything_is_yaml():
    paths = sorted(ARGOCD.rglob("*.yaml"))
    assert {path.name for path in paths} >= {"project.yaml", "values.yaml", *SETS}
    for path in paths:
        assert documents(path), path


def test_kubectl_finds_only_manifests_in_the_directory_itself():
    kinds = sorted(document["kind"] for path in ARGOCD.glob("*.yaml") for document in documents(path))
    assert kinds == ["AppProject", "ApplicationSet", "ApplicationSet"]
    for path in (ARGOCD / "environments").rglob("*.yaml"):
        assert "kind" not in yaml.safe_load(path.read_text()), path


@pytest.mark.parametrize("name", SETS)
def test_go_reads_the_templates_as_these_tests_do(name, tmp_path):
    specification = load(name)["spec"]
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: templates\nversion: 1.0.0\n")
    texts = sorted(set(templates(specification["template"])))
    # A parameter is at the root in Argo CD, below .Values in Helm.
    lines = [f"- {{{{ with .Values }}}}{json.dumps(text)}{{{{ end }}}}" for text in texts]
    (tmp_path / "templates" / "all.yaml").write_text("\n".join(["texts:", *lines]) + "\n")
    for values in parameters(specification["generators"][0], BOTH):
        (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
        done = run_helm("template", "one", tmp_path)
        assert done.returncode == 0, done.stderr
        by_go = yaml.safe_load(done.stdout)["texts"]
        assert by_go == [FIELD.sub(lambda match, values=values: field(values, match[1]), text) for text in texts]


@pytest.mark.parametrize("name", SETS)
def test_each_release_file_makes_one_application(name):
    made = applications(name, BOTH)
    assert sorted(made) == list(ENVIRONMENTS)
    for environment, application in made.items():
        assert application["metadata"]["name"].endswith(f"-{environment}")
        assert application["spec"]["destination"]["namespace"] == f"fibonacci-api-{environment}"
    names = [one["metadata"]["name"] for other in SETS for one in applications(other, BOTH).values()]
    assert len(set(names)) == 4


@pytest.mark.parametrize("name", SETS)
def test_without_a_release_file_there_is_no_application(name):
    assert applications(name, {}) == {}
    assert list(applications(name, {"staging": STAGING})) == ["staging"]


@pytest.mark.parametrize(("name", "key"), [(SERVICE, "revision"), (SERVICE, "digest"), (OF_REDIS, "redisRevision")])
def test_a_release_file_that_lacks_a_key_makes_no_application(name, key):
    lacking = {other: value for other, value in STAGING.items() if other != key}
    with pytest.raises(MissingKey, match=key):
        applications(name, {"staging": lacking})


def test_both_environments_have_the_same_chart_and_differ_in_what_they_are_told():
    made = applications(SERVICE, BOTH)
    told = {}
    for environment, application in made.items():
        text = json.dumps(application).replace(environment, "ENVIRONMENT")
        for key in ("version", "digest", "revision"):
            text = text.replace(BOTH[environment][key], key.upper())
        told[environment] = text
        assert application["spec"]["source"]["path"] == "deploy/helm/fibonacci-api"
    assert told["staging"] == told["production"]


def test_production_is_what_its_release_file_says_and_nothing_else():
    before = applications(SERVICE, BOTH)["production"]
    source = before["spec"]["source"]
    assert source["targetRevision"] == PRODUCTION["revision"]
    assert source["helm"]["parameters"] == [
        {"name": "image.tag", "value": PRODUCTION["version"], "forceString": True},
        {"name": "image.digest", "value": PRODUCTION["digest"], "forceString": True},
    ]
    other = release("9.9.9", revision="7" * 40, digest="sha256:" + "8" * 64)
    assert applications(SERVICE, BOTH | {"staging": other})["production"] == before
    promoted = applications(SERVICE, BOTH | {"production": other})["production"]
    assert promoted["spec"]["source"]["targetRevision"] == other["revision"]
    assert promoted["spec"] | {"source": None} == before["spec"] | {"source": None}


def test_chart_and_values_are_read_from_one_commit():
    source = applications(SERVICE, BOTH)["production"]["spec"]["source"]
    assert "sources" not in applications(SERVICE, BOTH)["production"]["spec"]
    assert source["helm"]["valueFiles"] == [
        "/deploy/argocd/environments/values.yaml",
        "/deploy/argocd/environments/production/values.yaml",
    ]


def test_no_values_file_names_an_image():
    for path in (ARGOCD / "environments").rglob("values.yaml"):
        assert "image" not in yaml.safe_load(path.read_text()), path


def test_redis_is_read_from_a_commit_of_its_own():
    for environment, application in applications(OF_REDIS, BOTH).items():
        source = application["spec"]["source"]
        assert source["targetRevision"] == BOTH[environment]["redisRevision"]
        assert source["path"] == f"deploy/redis/{environment}"
        assert source["kustomize"]["images"] == [
            f"ghcr.io/example/fibonacci-api-redis-backup:{BOTH[environment]['version']}"
        ]


@pytest.mark.parametrize("name", SETS)
def test_both_environments_sync_and_heal_by_themselves(name):
    for application in applications(name, BOTH).values():
        policy = application["spec"]["syncPolicy"]
        # What holds state is pruned by a person.
        assert policy["automated"] == {"prune": name == SERVICE, "selfHeal": True}
        assert policy["retry"]["limit"] == 5 and policy["retry"]["backoff"]["maxDuration"] == "5m"
        assert {"CreateNamespace=true", "ServerSideApply=true", "ApplyOutOfSyncOnly=true"} <= set(policy["syncOptions"])


def test_the_autoscaler_keeps_its_replicas(rendered):
    for environment, application in applications(SERVICE, BOTH).items():
        (workload,) = [one for one in rendered[environment] if one["kind"] == "Rollout"]
        (autoscaler,) = [one for one in rendered[environment] if one["kind"] == "HorizontalPodAutoscaler"]
        assert autoscaler["spec"]["scaleTargetRef"]["name"] == workload["metadata"]["name"]
        # What Git does not say, Argo CD does not set. To ignore it would ignore `replicaCount`, too, where there is no
        # autoscaler; and to respect that when syncing can take a Rollout's list of containers from the cluster, with
        # the old image in it (argoproj/argo-cd#23283).
        assert "replicas" not in workload["spec"]
        assert "ignoreDifferences" not in application["spec"]
        assert "RespectIgnoreDifferences=true" not in application["spec"]["syncPolicy"]["syncOptions"]


@pytest.mark.parametrize("name", SETS)
def test_nothing_is_taken_down_by_accident_and_sync_can_be_switched_off(name):
    specification = load(name)["spec"]
    assert specification["syncPolicy"] == {"applicationsSync": "create-update", "preserveResourcesOnDeletion": True}
    assert specification["ignoreApplicationDifferences"] == [{"jsonPointers": ["/spec/syncPolicy/automated"]}]


@pytest.mark.parametrize("name", SETS)
def test_namespaces_are_restricted(name):
    for application in applications(name, BOTH).values():
        labels = application["spec"]["syncPolicy"]["managedNamespaceMetadata"]["labels"]
        for mode in ("enforce", "audit", "warn"):
            assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"


@pytest.mark.parametrize("name", SETS)
def test_applications_stay_within_their_project(name):
    destinations = {(one["server"], one["namespace"]) for one in PROJECT["destinations"]}
    assert {namespace for _, namespace in destinations} == {f"fibonacci-api-{one}" for one in ENVIRONMENTS}
    for application in applications(name, BOTH).values():
        specification = application["spec"]
        assert specification["project"] == load("project.yaml")["metadata"]["name"]
        assert (specification["destination"]["server"], specification["destination"]["namespace"]) in destinations
        assert PROJECT["sourceRepos"] == [specification["source"]["repoURL"]]
    assert load(name)["spec"]["generators"][0]["git"]["repoURL"] in PROJECT["sourceRepos"]


def test_the_project_allows_namespaces_of_its_own_and_nothing_else_of_the_cluster():
    assert PROJECT["clusterResourceWhitelist"] == [{"group": "", "kind": "Namespace", "name": "fibonacci-api-*"}]
    assert PROJECT["orphanedResources"]["warn"] is True
    assert not {kind for _, kind in ALLOWED} & (CLUSTER_SCOPED | {"Secret", "Role", "RoleBinding", "*"})
    assert all("*" not in group for group, _ in ALLOWED)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_project_allows_every_kind_that_the_chart_renders(rendered, environment):
    kinds = {group_and_kind(manifest) for manifest in rendered[environment]}
    assert len(kinds) > 5
    assert kinds <= ALLOWED, f"add to project.yaml: {kinds - ALLOWED}"
    for manifest in rendered[environment]:
        assert manifest["metadata"].get("namespace", f"fibonacci-api-{environment}") == f"fibonacci-api-{environment}"


@pytest.fixture(scope="module")
def of_redis() -> dict[str, list[dict]]:
    """What Kustomize makes of deploy/redis in each environment."""
    return {environment: redis_manifests(environment) for environment in ENVIRONMENTS}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_project_allows_every_kind_of_redis(of_redis, environment):
    kinds = {group_and_kind(manifest) for manifest in of_redis[environment]}
    assert ("apps", "StatefulSet") in kinds
    assert kinds <= ALLOWED, f"add to project.yaml: {kinds - ALLOWED}"
    for manifest in of_redis[environment]:
        assert manifest["metadata"].get("namespace", f"fibonacci-api-{environment}") == f"fibonacci-api-{environment}"


def test_the_project_allows_no_kind_that_nobody_uses(rendered):
    used = {group_and_kind(one) for some in rendered.values() for one in some} | kinds_of_redis()
    # The values may say so any day, and that takes no change of the project.
    used.add(("apps", "Deployment"))
    assert used >= ALLOWED, f"remove from project.yaml: {ALLOWED - used}"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_version_arrives_as_a_canary_with_an_analysis(rendered, environment):
    (rollout,) = [one for one in rendered[environment] if one["kind"] == "Rollout"]
    assert not [one for one in rendered[environment] if one["kind"] == "Deployment"]
    assert "replicas" not in rollout["spec"], "the autoscaler counts the pods"
    steps = rollout["spec"]["strategy"]["canary"]["steps"]
    named = {one["templateName"] for step in steps if "analysis" in step for one in step["analysis"]["templates"]}
    assert named == {one["metadata"]["name"] for one in rendered[environment] if one["kind"] == "AnalysisTemplate"}
    assert {"fibonacci-api-error-ratio", "fibonacci-api-latency"} <= named


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_image_that_runs_is_the_release_file_s(rendered, environment):
    told = BOTH[environment]
    assert images(rendered[environment]) == {f"ghcr.io/example/fibonacci-api:{told['version']}@{told['digest']}"}


def test_the_release_workflow_signs_the_chart_by_its_digest():
    job = yaml.safe_load(WORKFLOW.read_text())["jobs"]["chart"]
    assert job["permissions"] == {"contents": "read", "packages": "write", "id-token": "write"}
    assert "publish" in job["needs"]
    steps = {step.get("name"): step for step in job["steps"]}
    assert '--version "$VERSION" --app-version "$VERSION"' in steps["Package"]["run"]
    assert steps["Sign"]["run"] == 'cosign sign --yes "$CHART"'
    assert "chart=$charts/fibonacci-api@$digest" in steps["Push"]["run"]


def test_the_release_workflow_asks_for_staging_s_release_file_only():
    job = yaml.safe_load(WORKFLOW.read_text())["jobs"]["staging"]
    assert job["permissions"] == {"contents": "write", "pull-requests": "write"}
    # All that the release file leads to is there before it.
    assert {"version", "publish", "publish-backup", "chart"} == set(job["needs"])
    (step,) = [step for step in job["steps"] if "run" in step]
    assert 'Scripts/promote --release "$VERSION" --digest "$DIGEST" --revision "$GITHUB_SHA"' in step["run"]
    assert re.findall(r"git add (\S+)", step["run"]) == ['"$file"']
    assert "file=deploy/argocd/environments/staging/release.yaml" in step["run"]


def test_committed_release_files_are_well_formed():
    result = subprocess.run([REPOSITORY / "Scripts/promote", "--check"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_repository_gets_its_owner_s_name_everywhere(tmp_path):
    (command,) = re.findall(r"^ *`(git grep .*)`\.$", (ARGOCD / "README.md").read_text(), flags=re.M)
    git = ["git", "-C", tmp_path]
    shutil.copytree(REPOSITORY, tmp_path, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*LARGE))
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run(["bash", "-c", command.replace("OWNER", "acme")], cwd=tmp_path, check=True, timeout=60)
    left = subprocess.run([*git, "grep", "-E", "(github.com|ghcr.io)/example/"], capture_output=True, text=True)
    assert left.stdout == "" and left.returncode == 1
    changed = subprocess.run([*git, "diff", "--name-only"], capture_output=True, text=True, check=True).stdout.split()
    assert {"deploy/argocd/project.yaml", "Tests/EndToEnd/test_policies.py", "docs/operations.md"} <= set(changed)
