"""The admission policies admit what release.yml makes, from the tag of a release, and nothing else."""

import copy
import fnmatch
import re

import pytest
import yaml
from gitops import (
    ENVIRONMENTS,
    POLICIES,
    WORKFLOW,
    applications,
    documents,
    images,
    manifests,
    redis_manifests,
    release,
)
from helm import render
from service import REPOSITORY

REPOSITORY_URL = "https://github.com/example/fibonacci-api"
ISSUER = "https://token.actions.githubusercontent.com"
BUILD_TYPE = "https://actions.github.io/buildtypes/workflow/v1"
SIGNATURE, PROVENANCE = "https://sigstore.dev/cosign/sign/v1", "https://slsa.dev/provenance/v1"
WORKFLOW_PATH = str(WORKFLOW.relative_to(REPOSITORY))
IDENTITY = f"{REPOSITORY_URL}/{WORKFLOW_PATH}@refs/tags/v"
VERSIONS = ["1.2.3", "0.1.0", "10.20.30"]
OTHERS = {
    "a fork": "https://github.com/someone/fibonacci-api/.github/workflows/release.yml@refs/tags/v1.2.3",
    "a repository with a longer name": "https://github.com/example/fibonacci-api-x/.github/workflows/release.yml@refs/tags/v1.2.3",
    "an owner with a longer name": "https://github.com/not-example/fibonacci-api/.github/workflows/release.yml@refs/tags/v1.2.3",
    "another host": "https://github.com.example.org/example/fibonacci-api/.github/workflows/release.yml@refs/tags/v1.2.3",
    "a host that only looks like it": "https://githubxcom/example/fibonacci-api/.github/workflows/release.yml@refs/tags/v1.2.3",
    "another workflow": f"{REPOSITORY_URL}/.github/workflows/ci.yml@refs/tags/v1.2.3",
    "a workflow elsewhere": f"{REPOSITORY_URL}/x/.github/workflows/release.yml@refs/tags/v1.2.3",
    "a branch": f"{REPOSITORY_URL}/{WORKFLOW_PATH}@refs/heads/main",
    "a branch that is called like a tag": f"{REPOSITORY_URL}/{WORKFLOW_PATH}@refs/heads/v1.2.3",
    "a pull request": f"{REPOSITORY_URL}/{WORKFLOW_PATH}@refs/pull/7/merge",
    "a candidate": f"{IDENTITY}1.2.3-rc1",
    "a version of two parts": f"{IDENTITY}1.2",
    "something after the version": f"{IDENTITY}1.2.3/../../heads/main",
    "something before the address": f"https://example.org/?{IDENTITY}1.2.3",
    "a second line": f"{IDENTITY}1.2.3\nhttps://example.org",
    "a person": "mallory@example.org",
    "nothing": "",
}


def kyverno(name: str) -> dict:
    (policy,) = documents(POLICIES / "kyverno" / name)
    return policy


def verification() -> dict:
    (rule,) = kyverno("signed-images.yaml")["spec"]["rules"]
    (verify,) = rule["verifyImages"]
    return verify


def keyless(attestation: dict) -> dict:
    (attestor,) = attestation["attestors"]
    (entry,) = attestor["entries"]
    assert attestor["count"] == 1
    return entry["keyless"]


def attestations() -> dict[str, dict]:
    return {attestation["type"]: attestation for attestation in verification()["attestations"]}


def sigstore() -> dict:
    """The policy for Sigstore's controller, which the page holds."""
    (text,) = re.findall(r"^```yaml\n(.*?)^```", (POLICIES / "README.md").read_text(), flags=re.M | re.S)
    return yaml.safe_load(text)


def identities() -> dict[str, dict]:
    (authority,) = sigstore()["spec"]["authorities"]
    (identity,) = authority["keyless"]["identities"]
    return {
        "signature": keyless(attestations()[SIGNATURE]),
        "provenance": keyless(attestations()[PROVENANCE]),
        "policy-controller": identity,
    }


def go_matches(expression: str, text: str) -> bool:
    """As Go's regexp: anywhere in the text, and `$` is its very end."""
    return re.search(re.sub(r"\$$", r"\\Z", expression), text) is not None


def predicate(tag: str = "v1.2.3", **changes: str) -> dict:
    """The provenance that actions/attest makes of a run's identity token."""
    token = {
        "repository": "example/fibonacci-api",
        "ref": f"refs/tags/{tag}",
        "path": WORKFLOW_PATH,
        "runner": "github-hosted",
    } | changes
    url = f"https://github.com/{token['repository']}"
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "workflow": {"ref": token["ref"], "repository": url, "path": token["path"]},
            },
            "internalParameters": {
                "github": {
                    "event_name": "push",
                    "repository_id": "1",
                    "repository_owner_id": "2",
                    "runner_environment": token["runner"],
                }
            },
            "resolvedDependencies": [{"uri": f"git+{url}@{token['ref']}", "digest": {"gitCommit": "a" * 40}}],
        },
        "runDetails": {
            "builder": {"id": f"{url}/{token['path']}@{token['ref']}"},
            "metadata": {"invocationId": f"{url}/actions/runs/1/attempts/1"},
        },
    }


def look_up(statement: dict, path: str) -> str:
    value: object = statement
    for part in path.split("."):
        assert isinstance(value, dict) and part in value, f"the provenance has no {path}"
        value = value[part]
    assert isinstance(value, str)
    return value


def refusals(statement: dict) -> list[str]:
    """The messages of Kyverno's conditions that do not hold."""
    (conditions,) = attestations()[PROVENANCE]["conditions"]
    assert set(conditions) == {"all"}
    found = []
    for condition in conditions["all"]:
        assert condition["operator"] == "Equals"
        (expression,) = re.fullmatch(r"\{\{ (.+) \}\}", condition["key"]).groups()
        call = re.fullmatch(r"regex_match\('([^']+)', ([A-Za-z.]+)\)", expression)
        if call:
            holds = go_matches(call[1], look_up(statement, call[2])) is condition["value"]
        else:
            # Strings are compared with wildcards.
            holds = fnmatch.fnmatchcase(look_up(statement, expression), condition["value"])
        if not holds:
            found.append(condition["message"])
    return found


def test_the_release_workflow_runs_for_tags_of_versions_only():
    triggers = yaml.safe_load(WORKFLOW.read_text())[True]  # `on` is a boolean of YAML 1.1
    assert triggers == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+"]}}
    for identity in identities().values():
        # The same pattern: a dot of GitHub's is a dot.
        assert identity["subjectRegExp"].endswith("@refs/tags/v[0-9]+[.][0-9]+[.][0-9]+$")


@pytest.mark.parametrize("verifier", ["signature", "provenance", "policy-controller"])
def test_the_identity_of_a_release_is_accepted(verifier):
    identity = identities()[verifier]
    assert identity["issuer"] == ISSUER
    for version in VERSIONS:
        assert go_matches(identity["subjectRegExp"], IDENTITY + version)


@pytest.mark.parametrize("whose", OTHERS)
@pytest.mark.parametrize("verifier", ["signature", "provenance", "policy-controller"])
def test_any_other_identity_is_refused(verifier, whose):
    assert not go_matches(identities()[verifier]["subjectRegExp"], OTHERS[whose])


@pytest.mark.parametrize("version", VERSIONS)
def test_the_provenance_of_a_release_is_accepted(version):
    assert refusals(predicate(f"v{version}")) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"repository": "someone/fibonacci-api"}, "another repository"),
        ({"path": ".github/workflows/ci.yml"}, "another workflow"),
        ({"ref": "refs/heads/main"}, "not built from the tag"),
        ({"ref": "refs/tags/v1.2.3-rc1"}, "not built from the tag"),
        ({"runner": "self-hosted"}, "not GitHub's"),
    ],
)
def test_any_other_provenance_is_refused(changes, reason):
    assert any(reason in message for message in refusals(predicate(**changes)))


def test_a_builder_of_another_kind_is_refused():
    statement = copy.deepcopy(predicate())
    statement["buildDefinition"]["buildType"] = "https://mobyproject.org/buildkit@v1"
    statement["runDetails"]["builder"]["id"] = "https://github.com/someone/else"
    assert len(refusals(statement)) == 2


def test_signature_and_provenance_are_both_required_as_bundles():
    verify = verification()
    assert verify["type"] == "SigstoreBundle"
    assert set(attestations()) == {SIGNATURE, PROVENANCE}
    assert verify["failureAction"] == "Enforce"
    assert verify["required"] is verify["verifyDigest"] is verify["mutateDigest"] is True
    for attestation in attestations().values():
        assert keyless(attestation)["rekor"] == {"ignoreTlog": False}
        assert keyless(attestation)["ctlog"] == {"ignoreSCT": False}
    # Anything else here would be a second way in.
    assert "attestors" not in verify and "skipImageReferences" not in verify


def test_the_policies_fail_closed_in_both_namespaces():
    for name in ("signed-images.yaml", "allowed-images.yaml"):
        specification = kyverno(name)["spec"]
        assert specification["webhookConfiguration"]["failurePolicy"] == "Fail"
        assert specification["webhookConfiguration"]["timeoutSeconds"] <= 30
        for rule in specification["rules"]:
            (match,) = rule["match"]["any"]
            assert "exclude" not in rule and "preconditions" not in rule
            assert match["resources"]["kinds"] == ["Pod"]
            assert sorted(match["resources"]["namespaces"]) == [f"fibonacci-api-{one}" for one in ENVIRONMENTS]
    assert kyverno("signed-images.yaml")["spec"]["background"] is False


@pytest.mark.parametrize("name", ["publish", "publish-backup"])
def test_the_release_workflow_makes_what_the_policies_ask_for(name):
    job = yaml.safe_load(WORKFLOW.read_text())["jobs"][name]
    (installer,) = [step for step in job["steps"] if "cosign-installer" in step.get("uses", "")]
    # From its version 4 on it installs cosign 3, which stores bundles.
    versions = re.findall(r"cosign-installer@[0-9a-f]{40} # v(\d+)\.", WORKFLOW.read_text())
    assert set(versions) == {"4"} and "with" not in installer
    signing = "\n".join(step.get("run", "") for step in job["steps"])
    assert 'cosign sign --yes --recursive "$IMAGE@$DIGEST"' in signing
    assert "bundle-format" not in signing
    attested = [step["with"] for step in job["steps"] if "actions/attest@" in step.get("uses", "")]
    # Without a predicate of its own actions/attest makes provenance.
    (provenance,) = [one for one in attested if "subject-digest" in one and "sbom-path" not in one]
    assert provenance["push-to-registry"] is True
    assert not [key for key in provenance if key.startswith("predicate")]


def test_the_page_s_policy_asks_for_the_same():
    policy = sigstore()
    assert (policy["apiVersion"], policy["kind"]) == ("policy.sigstore.dev/v1beta1", "ClusterImagePolicy")
    (authority,) = policy["spec"]["authorities"]
    assert authority["signatureFormat"] == "bundle"
    assert {one["predicateType"] for one in authority["attestations"]} == {SIGNATURE, PROVENANCE}
    assert authority["keyless"]["identities"][0]["subjectRegExp"] == keyless(attestations()[SIGNATURE])["subjectRegExp"]
    (data,) = [one["policy"]["data"] for one in authority["attestations"] if "policy" in one]
    for part in (BUILD_TYPE, REPOSITORY_URL, WORKFLOW_PATH, "github-hosted"):
        assert f'"{part}"' in data


def allowed(image: str, rule: str) -> bool:
    """Whether a rule of the list lets a container with this image in."""
    (found,) = [one for one in kyverno("allowed-images.yaml")["spec"]["rules"] if one["name"] == rule]
    (each,) = found["validate"]["foreach"]
    assert each["list"] == "request.object.spec.[containers, initContainers, ephemeralContainers][]"
    return any(fnmatch.fnmatchcase(image, part.strip()) for part in each["pattern"]["image"].split("|"))


def deployed() -> set[str]:
    """Every image that this repository has in the namespaces, the one of `helm test` included."""
    told = {environment: release() for environment in ENVIRONMENTS}
    found = {image for one in applications("applicationset.yaml", told).values() for image in images(manifests(one))}
    return found.union(images(render()), *(images(redis_manifests(one)) for one in ENVIRONMENTS))


def test_every_image_that_is_deployed_is_on_the_list():
    found = deployed()
    assert len(found) >= 3, found
    for image in found:
        assert allowed(image, "repository"), f"add to allowed-images.yaml: {image}"


@pytest.mark.parametrize(
    "image",
    [
        "docker.io/library/busybox:1.37.0",
        "busybox",
        "fibonacci-api",
        "ghcr.io/someone/fibonacci-api:1.2.3",
        "ghcr.io/example/fibonacci-api-x:1.2.3",
        "registry.example.org/ghcr.io/example/fibonacci-api:1.2.3",
    ],
)
def test_no_other_image_is_on_the_list(image):
    assert not allowed(image, "repository")


def test_every_image_of_ours_is_verified():
    (pattern,) = verification()["imageReferences"]
    for image in (
        "ghcr.io/example/fibonacci-api:1.2.3",
        f"ghcr.io/example/fibonacci-api@sha256:{'0' * 64}",
        "ghcr.io/example/fibonacci-api-redis-backup:1.2.3",
        "ghcr.io/example/fibonacci-api-x:1.2.3",
    ):
        assert fnmatch.fnmatchcase(image, pattern)


def test_digests_are_enforced_only_once_every_image_has_one():
    rules = {one["name"]: one for one in kyverno("allowed-images.yaml")["spec"]["rules"]}
    assert rules["repository"]["validate"]["failureAction"] == "Enforce"
    if rules["digest"]["validate"]["failureAction"] == "Enforce":
        assert [image for image in deployed() if not allowed(image, "digest")] == []


def test_the_pages_verify_the_same_identity():
    page = (POLICIES / "README.md").read_text()
    named = re.findall(r'--certificate-identity "([^"]+)"', page)
    assert len(named) == 2
    for identity in named:
        version = identity.replace("$VERSION", "1.2.3")
        assert go_matches(keyless(attestations()[SIGNATURE])["subjectRegExp"], version)
    assert f"--signer-workflow example/fibonacci-api/{WORKFLOW_PATH}" in page
    assert f"--certificate-oidc-issuer {ISSUER}" in page
