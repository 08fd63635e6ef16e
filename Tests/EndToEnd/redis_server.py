"""Starts real Redis servers on free ports of 127.0.0.1, and always ends them."""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest
from service import free_ports, wait_until


def require(program: str, package: str, search: str | None = None) -> str:
    """The path of a program, looked for in the caller's path or in `search`."""
    path = shutil.which(program, path=search)
    if path is None:
        pytest.fail(f"{program} is missing: apt-get install {package}, or run 'make peers'", pytrace=False)
    return path


class RedisServer:
    """A `redis-server` that keeps nothing on disk. Options are those of redis.conf."""

    def __init__(self, *options: str, port: int | None = None, password: str | None = None, tls: bool = False):
        self.port = port or free_ports(1)[0]
        self.options = options
        self.password = password
        self.tls = tls
        self.directory = tempfile.TemporaryDirectory(prefix="redis-")
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self, *options: str) -> RedisServer:
        command = [require("redis-server", "redis-server"), "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", self.directory.name, "--daemonize", "no"]
        self.process = subprocess.Popen(
            [*command, *self.options, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._answers, 10, f"redis-server on port {self.port} answers")
        return self

    def _answers(self) -> bool:
        return "PONG" in self.cli("PING", check=False) or "NOAUTH" in self.cli("PING", check=False)

    def cli(self, *words: str, check: bool = True) -> str:
        """What redis-cli prints for a command."""
        environment = os.environ | ({"REDISCLI_AUTH": self.password} if self.password else {})
        result = subprocess.run(
            [require("redis-cli", "redis-tools"), "-h", "127.0.0.1", "-p", str(self.port), *words],
            capture_output=True,
            text=True,
            env=environment,
            timeout=10,
        )
        assert not check or result.returncode == 0, result.stderr
        return (result.stdout + result.stderr).strip()

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(10)

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.kill()
        self.directory.cleanup()


class RedisCluster:
    """Three masters, one third of the slots each, and as many replicas for each of them as are asked for."""

    def __init__(self, replicas: int = 0):
        self.replicas = replicas
        count = 3 * (1 + replicas)
        # The bus has a port of its own: the usual one, 10000 above, need not exist.
        options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port")
        ports = free_ports(2 * count)
        buses = zip(ports[:count], ports[count:], strict=True)
        self.nodes = [RedisServer(*options, str(bus), port=port) for port, bus in buses]

    def start(self) -> RedisCluster:
        for node in self.nodes:
            node.start()
        addresses = [f"127.0.0.1:{node.port}" for node in self.nodes]
        subprocess.run(
            [
                require("redis-cli", "redis-tools"),
                "--cluster",
                "create",
                *addresses,
                "--cluster-replicas",
                str(self.replicas),
                "--cluster-yes",
            ],
            check=True,
            capture_output=True,
            timeout=60,
        )
        for node in self.nodes:
            wait_until(lambda node=node: "cluster_state:ok" in node.cli("CLUSTER", "INFO"), 20, "the cluster is up")
        return self

    def close(self) -> None:
        for node in self.nodes:
            node.close()


def make_certificates(directory: pathlib.Path) -> dict[str, str]:
    """An authority, a server's and a client's certificate, as paths of PEM files."""
    openssl = require("openssl", "openssl")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], check=True, capture_output=True, cwd=directory, timeout=30)

    run("req", "-x509", "-days", "1", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.crt", *new_key)
    for name, alternative in (("server", "IP:127.0.0.1"), ("client", "DNS:client")):
        (directory / f"{name}.ext").write_text(f"subjectAltName={alternative}\n")
        run("req", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr", *new_key)
        authority = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"]
        run(
            "x509",
            "-req",
            "-days",
            "1",
            "-in",
            f"{name}.csr",
            *authority,
            "-extfile",
            f"{name}.ext",
            "-out",
            f"{name}.crt",
        )
    return {path.name: str(path) for path in directory.iterdir()}
