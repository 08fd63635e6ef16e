"""Starts clusters of real Redis servers from deploy/redis: its scripts, redis.conf and users, as they are shipped.

Only what a pod would have of its own differs: ports, addresses, directories. Certificates hold names of the shipped
Certificate, and no addresses, so that whoever verifies a name has to find one of these.
"""

from __future__ import annotations

import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

from deployment import DEPLOY
from redis_server import require
from service import free_ports, wait_until

REDIS = DEPLOY / "redis"
SCRIPTS = REDIS / "scripts"
KINDS = ("cache", "limiter")
USERS = ("replication", "probe", "handover", "exporter", "backup", "operator")
NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
NAMES = {kind: ["localhost", f"redis-{kind}", f"*.redis-{kind}-nodes"] for kind in KINDS}


def make_authority(directory: pathlib.Path) -> None:
    """`ca.crt` and `ca.key` in `directory`."""
    openssl(
        "req",
        "-x509",
        "-days",
        "1",
        "-subj",
        "/CN=redis-ca",
        *NEW_KEY,
        "-keyout",
        "ca.key",
        "-out",
        "ca.crt",
        cwd=directory,
    )


def openssl(*arguments: str, cwd: pathlib.Path, text: str = "") -> str:
    """What openssl prints when it is given `text`."""
    command = [require("openssl", "openssl"), *arguments]
    return subprocess.run(command, input=text, check=True, capture_output=True, text=True, cwd=cwd, timeout=30).stdout


def issue(directory: pathlib.Path, authority: pathlib.Path, names: list[str], serial: int = 1) -> None:
    """`tls.crt`, `tls.key` and `ca.crt` in `directory`, as cert-manager writes them."""
    directory.mkdir(exist_ok=True)
    extensions = directory / "extensions"
    usages = "keyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n"
    extensions.write_text(f"subjectAltName={','.join(f'DNS:{name}' for name in names)}\n{usages}")
    openssl("req", "-subj", "/CN=redis", *NEW_KEY, "-keyout", "tls.key", "-out", "request", cwd=directory)
    signer = ["-CA", str(authority / "ca.crt"), "-CAkey", str(authority / "ca.key"), "-set_serial", str(serial)]
    openssl(
        "x509",
        "-req",
        "-days",
        "1",
        "-in",
        "request",
        *signer,
        "-extfile",
        "extensions",
        "-out",
        "tls.crt",
        cwd=directory,
    )
    shutil.copy(authority / "ca.crt", directory / "ca.crt")


class Node:
    """One pod: `render.sh`, then `start.sh`, with directories of its own."""

    def __init__(self, cluster: ProductionCluster, name: str):
        self.cluster, self.name = cluster, name
        self.port, self.bus = free_ports(2)
        self.address = "127.0.0.1"
        self.root = cluster.root / name
        self.run, self.data = self.root / "run", self.root / "data"
        for directory in (self.root, self.run, self.data):
            directory.mkdir(mode=0o700)
        self.process: subprocess.Popen | None = None

    @property
    def endpoint(self) -> str:
        return f"localhost:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What the pod's containers have in theirs; paths are those of this node."""
        return {
            "PATH": os.environ["PATH"],
            "CONF_DIR": str(REDIS / self.cluster.kind),
            "SECRETS_DIR": str(self.cluster.secrets),
            "RUN_DIR": str(self.run),
            "DATA_DIR": str(self.data),
            "TLS_DIR": str(self.cluster.tls),
            "PORT": str(self.port),
            "POD_IP": self.address,
            "ANNOUNCE_HOSTNAME": "localhost",
            "MAXMEMORY": self.cluster.maxmemory,
            "RETURN_SECONDS": "6",
        }

    def script(self, name: str, *arguments: str, environment: dict | None = None) -> subprocess.CompletedProcess:
        """Runs a script as the pod does."""
        command = [str(SCRIPTS / name), *arguments]
        return subprocess.run(command, env=environment or self.environment, capture_output=True, text=True, timeout=60)

    def start(self, *options: str) -> None:
        rendered = self.script("render.sh")
        assert rendered.returncode == 0, rendered.stderr
        ports = ["--tls-port", str(self.port), "--cluster-port", str(self.bus), "--cluster-node-timeout", "2000"]
        log = (self.root / "log").open("a")
        with log:
            self.process = subprocess.Popen(
                [str(SCRIPTS / "start.sh"), *ports, "--bind", *dict.fromkeys(["127.0.0.1", self.address]), *options],
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def log(self) -> str:
        return (self.root / "log").read_text()

    def answers(self) -> bool:
        assert self.process.poll() is None, self.log()
        return self.script("probe.sh", "live").returncode == 0

    def is_ready(self) -> bool:
        return self.script("probe.sh", "ready").returncode == 0

    def cli(self, *words: str, user: str = "operator", password: str | None = None) -> str:
        """What redis-cli prints for a command of one of the users."""
        credentials = {"REDISCLI_AUTH": password or self.cluster.passwords[user]}
        certificate = ["--tls", "--cacert", str(self.cluster.tls / "ca.crt")]
        result = subprocess.run(
            [
                require("redis-cli", "redis-tools"),
                *certificate,
                *["-h", "localhost", "-p", str(self.port), "--user", user, "--no-auth-warning"],
                *words,
            ],
            env=os.environ | credentials,
            capture_output=True,
            text=True,
            timeout=20,
        )
        return (result.stdout + result.stderr).strip()

    def info(self, section: str) -> dict[str, str]:
        lines = self.cli("INFO", section).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    @property
    def is_primary(self) -> bool:
        return self.info("replication").get("role") == "master"

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(20)

    def terminate(self) -> subprocess.CompletedProcess:
        """What Kubernetes does: preStop, then SIGTERM."""
        handover = self.script("handover.sh")
        self.kill(signal.SIGTERM)
        return handover


class ProductionCluster:
    """Three shards of a primary and a replica each, as deploy/redis/<kind> makes them."""

    def __init__(self, kind: str, maxmemory: str = "64mb"):
        self.kind, self.maxmemory = kind, maxmemory
        self.directory = tempfile.TemporaryDirectory(prefix=f"redis-{kind}-")
        self.root = pathlib.Path(self.directory.name)
        self.name, self.client_user = f"redis-{kind}", f"fibonacci-api-{kind}"
        self.passwords = {user: secrets.token_hex(32) for user in (self.client_user, *USERS)}
        self.secrets, self.tls, self.authority = (self.root / name for name in ("secrets", "tls", "authority"))
        self.secrets.mkdir()
        self.authority.mkdir()
        for user, password in self.passwords.items():
            (self.secrets / user).write_text(password)
        make_authority(self.authority)
        issue(self.tls, self.authority, NAMES[kind])
        self.shards = [[Node(self, f"{letter}-{number}") for letter in "ab"] for number in range(3)]

    @property
    def nodes(self) -> list[Node]:
        return [node for shard in self.shards for node in shard]

    def start(self) -> ProductionCluster:
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            wait_until(node.answers, 20, f"{node.name} answers", interval=0.05)
        # Two at once, as when the first is made by hand and the schedule comes round.
        with ThreadPoolExecutor() as pool:
            for bootstrapped in pool.map(lambda _: self.bootstrap(), range(2)):
                assert bootstrapped.returncode == 0, bootstrapped.stdout + bootstrapped.stderr
        return self

    def bootstrap(self, wait_seconds: int = 30, **settings: str) -> subprocess.CompletedProcess:
        """Runs the bootstrap job's script as the job does."""
        shards = "\n".join(" ".join(node.endpoint for node in shard) for shard in self.shards)
        environment = {
            "PATH": os.environ["PATH"],
            "REDIS_SHARDS": shards,
            "CA_FILE": str(self.tls / "ca.crt"),
            "SERVER_TLS_DIR": str(self.tls),
            "PASSWORD_FILE": str(self.secrets / "operator"),
            "WAIT_SECONDS": str(wait_seconds),
        }
        return subprocess.run(
            [str(SCRIPTS / "bootstrap.sh")],
            env=environment | settings,
            capture_output=True,
            text=True,
            timeout=240,
        )

    def redis_cli(self, *words: str) -> str:
        """What `redis-cli --cluster` prints for operator."""
        command = [require("redis-cli", "redis-tools"), "--tls", "--cacert", str(self.tls / "ca.crt")]
        result = subprocess.run(
            [*command, "--user", "operator", "--no-auth-warning", "--cluster", *words],
            env=os.environ | {"REDISCLI_AUTH": self.passwords["operator"]},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert result.returncode == 0, result.stdout[-2000:] + result.stderr
        return result.stdout

    def primary_of(self, slot_key: str) -> Node:
        """The primary that holds a key."""
        slot = int(self.nodes[0].cli("CLUSTER", "KEYSLOT", slot_key))
        for line in self.nodes[0].cli("CLUSTER", "NODES").splitlines():
            fields = line.split()
            for text in fields[8:]:
                first, _, last = text.partition("-")
                if first.isdigit() and int(first) <= slot <= int(last or first):
                    port = int(fields[1].split(":")[1].split("@")[0])
                    return next(node for node in self.nodes if node.port == port)
        raise AssertionError(f"nobody has slot {slot} of {slot_key}")

    def settings(self, prefix: str) -> dict[str, str]:
        """What the service is told: a name, a user, files."""
        return {
            f"{prefix}REDIS_URL": f"rediss://{self.client_user}@{self.nodes[0].endpoint}",
            f"{prefix}REDIS_CLUSTER": "true",
            f"{prefix}REDIS_PASSWORD_FILE": str(self.secrets / self.client_user),
        }

    def close(self) -> None:
        for node in self.nodes:
            node.kill()
        self.directory.cleanup()
