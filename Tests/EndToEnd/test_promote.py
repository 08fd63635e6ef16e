"""Scripts/promote moves versions by changing one file, and refuses what would not be safe."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest
from service import REPOSITORY

DIRECTORY = "deploy/argocd/environments"
FILES = {environment: f"{DIRECTORY}/{environment}/release.yaml" for environment in ("staging", "production")}
DIGESTS = {
    "1.2.1": "sha256:" + "1" * 64,
    "1.2.2": "sha256:" + "2" * 64,
    "1.2.3": "sha256:" + "3" * 64,
    "1.10.0": "sha256:" + "a" * 64,
}
# Neither the user's settings of git nor a hook of theirs.
ENVIRONMENT = os.environ | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}


class Clone:
    """A repository with a chart, values and Redis, in which the command runs."""

    def __init__(self, root: pathlib.Path):
        self.root = root
        for path in ("deploy/helm/fibonacci-api/Chart.yaml", "deploy/redis/README.md"):
            self.write(path, "x\n")
        for environment in FILES:
            self.write(f"{DIRECTORY}/{environment}/values.yaml", "{}\n")
        (root / "Scripts").mkdir()
        shutil.copy(REPOSITORY / "Scripts" / "promote", root / "Scripts" / "promote")
        self.git("init", "--quiet", "--initial-branch", "main")
        self.git("config", "user.name", "somebody")
        self.git("config", "user.email", "somebody@example.com")
        # Nothing here has to survive a power failure, and waiting for the disk takes longest.
        self.git("config", "core.fsync", "none")
        self.git("config", "maintenance.auto", "false")
        self.commit("Begin")

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def read(self, environment: str) -> dict[str, str]:
        return dict(re.findall(r'^(\w+): "(.*)"$', (self.root / FILES[environment]).read_text(), flags=re.M))

    def git(self, *arguments: str) -> str:
        result = subprocess.run(
            ["git", "-C", self.root, *arguments], capture_output=True, text=True, env=ENVIRONMENT, check=True
        )
        return result.stdout.rstrip("\n")

    def commit(self, subject: str = "Change something") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", subject)
        return self.git("rev-parse", "HEAD")

    def promote(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [self.root / "Scripts" / "promote", *arguments],
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            check=False,
        )

    def done(self, *arguments: str) -> str:
        result = self.promote(*arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def refused(self, *arguments: str) -> str:
        """What it says when it refuses, having changed nothing."""
        before = self.git("status", "--porcelain")
        result = self.promote(*arguments)
        assert result.returncode == 1, result.stdout
        assert self.git("status", "--porcelain") == before
        return result.stderr

    def changed(self) -> list[str]:
        return [line[3:] for line in self.git("status", "--porcelain", "--untracked-files=all").splitlines()]

    def release(self, version: str) -> str:
        """A commit, released to staging."""
        commit = self.commit(f"Make {version}")
        self.done("--release", version, "--digest", DIGESTS[version], "--revision", commit)
        self.commit(f"Release staging to {version}")
        return commit

    def promoted(self) -> None:
        self.done()
        self.commit("Promote production")


@pytest.fixture
def clone(tmp_path) -> Clone:
    return Clone(tmp_path)


def test_a_release_reaches_staging_and_no_other_file(clone):
    commit = clone.commit()
    said = clone.done("--release", "1.2.3", "--digest", DIGESTS["1.2.3"], "--revision", commit)
    assert clone.changed() == [FILES["staging"]]
    assert clone.read("staging") == {
        "version": "1.2.3",
        "digest": DIGESTS["1.2.3"],
        "revision": commit,
        "redisRevision": commit,
    }
    assert f"git add {FILES['staging']}" in said and "gh pr create" in said


def test_a_promotion_gives_production_what_staging_has_and_changes_one_file(clone):
    clone.release("1.2.3")
    said = clone.done()
    assert clone.changed() == [FILES["production"]]
    assert clone.read("production") == clone.read("staging")
    assert f"git commit --message 'Promote production to 1.2.3' -- {FILES['production']}" in said


def test_versions_are_compared_as_numbers(clone):
    clone.release("1.2.3")
    clone.promoted()
    clone.release("1.10.0")
    clone.done()
    assert clone.read("production")["version"] == "1.10.0"


def test_a_dry_run_writes_nothing(clone):
    clone.release("1.2.3")
    assert "1.2.3" in clone.done("--dry-run")
    assert clone.changed() == []


def test_what_is_promoted_already_is_left_alone(clone):
    clone.release("1.2.3")
    clone.promoted()
    assert "nothing to do" in clone.done()
    assert clone.changed() == []


def test_without_a_release_there_is_nothing_to_promote(clone):
    assert "nothing was released to staging" in clone.refused()


def test_a_release_file_that_is_not_committed_is_refused(clone):
    clone.release("1.2.3")
    file = clone.root / FILES["staging"]
    file.write_text(file.read_text().replace("1.2.3", "1.2.4"))
    assert FILES["staging"] in clone.refused()


@pytest.mark.parametrize(
    ("line", "replacement", "reason"),
    [
        (r"^digest: .*\n", "", "digest missing"),
        (r"^digest: .*$", 'digest: ""', "sha256:"),
        (r"^digest: .*$", 'digest: "latest"', "sha256:"),
        (r"^version: .*$", 'version: "1.2"', "a version such as"),
        (r"^version: .*$", "version: 1.2.3", 'KEY: "VALUE"'),
        (r"^revision: .*$", 'revision: "main"', "full commit"),
        (r"^revision: .*$", 'revision: "v1.2.3"', "full commit"),
        (r"\Z", 'image: "other"\n', "unknown key image"),
        (r"\Z", 'version: "1.2.3"\n', "given twice"),
    ],
)
def test_a_release_file_that_is_not_well_formed_is_refused(clone, line, replacement, reason):
    clone.release("1.2.3")
    file = clone.root / FILES["staging"]
    file.write_text(re.sub(line, replacement, file.read_text(), count=1, flags=re.M))
    clone.commit()
    assert reason in clone.refused()
    assert reason in clone.refused("--check")


def test_a_way_back_is_no_promotion(clone):
    clone.release("1.2.2")
    clone.promoted()
    clone.release("1.2.3")
    clone.promoted()
    clone.done("--rollback", "--environment", "staging")
    clone.commit()
    assert "--rollback 1.2.2" in clone.refused()


def test_a_release_to_staging_is_not_older_than_what_it_has(clone):
    clone.release("1.2.3")
    commit = clone.commit()
    assert "newer" in clone.refused("--release", "1.2.2", "--digest", DIGESTS["1.2.2"], "--revision", commit)


def test_one_version_is_one_image(clone):
    commit = clone.release("1.2.3")
    other = "sha256:" + "f" * 64
    assert "two images" in clone.refused("--release", "1.2.3", "--digest", other, "--revision", commit)


def test_a_commit_that_is_not_there_is_refused(clone):
    assert "git fetch" in clone.refused("--release", "1.2.3", "--digest", DIGESTS["1.2.3"], "--revision", "0" * 40)


def test_a_rollback_restores_what_ran_before_but_leaves_redis(clone):
    first = clone.release("1.2.2")
    clone.promoted()
    second = clone.release("1.2.3")
    clone.promoted()
    said = clone.done("--rollback")
    assert clone.changed() == [FILES["production"]]
    assert clone.read("production") == {
        "version": "1.2.2",
        "digest": DIGESTS["1.2.2"],
        "revision": first,
        "redisRevision": second,
    }
    assert "Revert production to 1.2.2" in said


def test_a_rollback_to_a_version_takes_it_as_it_ran_last(clone):
    clone.release("1.2.2")
    clone.promoted()
    tuned = clone.commit("Tune values")
    clone.done("--revision", tuned)
    clone.commit()
    clone.promoted()
    clone.release("1.2.3")
    clone.promoted()
    clone.done("--rollback", "1.2.2")
    assert clone.read("production")["revision"] == tuned


def test_a_second_rollback_goes_further_back(clone):
    for version in ("1.2.1", "1.2.2", "1.2.3"):
        clone.release(version)
        clone.promoted()
    for version in ("1.2.2", "1.2.1"):
        clone.done("--rollback")
        clone.commit()
        assert clone.read("production")["version"] == version
    assert "ran nothing before 1.2.1" in clone.refused("--rollback")
    clone.done("--rollback", "1.2.3")
    assert clone.read("production")["version"] == "1.2.3"


def test_a_second_rollback_does_not_return_to_the_bad_configuration(clone):
    first = clone.release("1.2.2")
    clone.promoted()
    tuned = clone.commit("Tune values")
    clone.done("--revision", tuned)
    clone.commit()
    clone.promoted()
    clone.done("--rollback")
    clone.commit()
    assert clone.read("production")["revision"] == first
    assert "ran nothing before 1.2.2" in clone.refused("--rollback")


def test_a_rollback_to_what_never_ran_is_refused(clone):
    clone.release("1.2.3")
    clone.promoted()
    assert "ran nothing before" in clone.refused("--rollback")
    assert "never ran 1.2.2" in clone.refused("--rollback", "1.2.2")


def test_a_change_of_configuration_keeps_the_image(clone):
    clone.release("1.2.3")
    tuned = clone.commit("Tune values")
    clone.done("--revision", tuned)
    assert clone.changed() == [FILES["staging"]]
    assert clone.read("staging") | {"revision": "", "redisRevision": ""} == {
        "version": "1.2.3",
        "digest": DIGESTS["1.2.3"],
        "revision": "",
        "redisRevision": "",
    }


def test_the_check_finds_a_promotion_that_changes_more_than_its_file(clone):
    clone.release("1.2.3")
    clone.git("switch", "--quiet", "--create", "promotion")
    clone.promoted()
    clone.done("--check", "--since", "main")
    clone.write(f"{DIRECTORY}/production/values.yaml", "replicaCount: 7\n")
    clone.commit()
    assert f"{DIRECTORY}/production/values.yaml" in clone.refused("--check", "--since", "main")


def test_the_check_finds_what_ran_nowhere(clone):
    clone.release("1.2.3")
    clone.git("switch", "--quiet", "--create", "promotion")
    clone.promoted()
    file = clone.root / FILES["production"]
    file.write_text(file.read_text().replace("3" * 64, "4" * 64).replace("1.2.3", "1.2.4"))
    clone.commit()
    assert "ever ran this" in clone.refused("--check", "--since", "main")


def test_the_check_takes_a_rollback_and_a_change_of_something_else(clone):
    clone.release("1.2.2")
    clone.promoted()
    clone.release("1.2.3")
    clone.promoted()
    clone.git("switch", "--quiet", "--create", "rollback")
    clone.done("--rollback")
    clone.commit()
    clone.done("--check", "--since", "main")
    clone.git("switch", "--quiet", "--create", "other", "main")
    clone.write("deploy/helm/fibonacci-api/Chart.yaml", "y\n")
    clone.commit()
    clone.done("--check", "--since", "main")


def test_help_and_misuse(clone):
    assert "--rollback" in clone.done("--help")
    for wrong in (["--release", "1.2.3"], ["--digest", "x"], ["--check", "--rollback"], ["--since", "main"]):
        assert clone.promote(*wrong).returncode == 2


def test_the_operators_page_uses_options_that_there_are(clone):
    known = set(re.findall(r"--[a-z-]+", clone.done("--help")))
    page = (REPOSITORY / "docs" / "operations.md").read_text()
    for command in re.findall(r"^Scripts/promote(.*?)(?:#.*)?$|`Scripts/promote(.*?)`", page, flags=re.M):
        assert set(re.findall(r"--[a-z-]+", "".join(command))) <= known, command
