"""Starts a real HAProxy with the configuration that is shipped, and always ends it."""

from __future__ import annotations

import csv
import io
import os
import pathlib
import socket
import subprocess
import tempfile

from redis_server import require
from service import REPOSITORY, LineReader, free_ports, wait_until

CONFIGURATION = REPOSITORY / "deploy" / "haproxy" / "haproxy.cfg"


class LoadBalancer:
    """HAProxy on a free port of 127.0.0.1, in front of up to four processes, given by public and admin port.

    It tries nothing twice unless `retries` says so: what a process loses, a caller loses.
    """

    def __init__(self, processes: list[tuple[int, int]], *, retries: int = 0, interval: str = "200ms", fall: int = 2):
        self.directory = tempfile.TemporaryDirectory(prefix="haproxy-")
        self.port = free_ports(1)[0]
        self.stats_socket = pathlib.Path(self.directory.name) / "admin.sock"
        self.environment = {
            "LISTEN": f"127.0.0.1:{self.port}",
            "STATS_SOCKET": str(self.stats_socket),
            "RETRIES": str(retries),
            "CHECK_INTERVAL": interval,
            "CHECK_FALL": str(fall),
        }
        for number, (port, admin_port) in enumerate(processes, 1):
            self.environment[f"API_{number}"] = f"127.0.0.1:{port}"
            self.environment[f"API_{number}_ADMIN"] = f"127.0.0.1:{admin_port}"
        self.names = [f"api-{number}" for number in range(1, len(processes) + 1)]
        self.process: subprocess.Popen | None = None
        self.output: LineReader | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> LoadBalancer:
        """Starts, and waits until every process is in."""
        self.process = subprocess.Popen(
            [require("haproxy", "haproxy"), "-db", "-f", str(CONFIGURATION)],
            env={"PATH": os.environ["PATH"], **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.output = LineReader(self.process.stdout)
        wait_until(lambda: self.stats_socket.exists() or self.process.poll() is not None, 10, "haproxy runs")
        assert self.process.poll() is None, self.output.lines
        # Until its first check, a process counts as up.
        for name in self.names:
            self.wait_for(name, "UP", checked=True)
        return self

    def statistics(self) -> dict[str, dict[str, str]]:
        """HAProxy's own counters, by process, and those of the whole backend as BACKEND."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self.stats_socket))
            connection.sendall(b"show stat\n")
            text = b"".join(iter(lambda: connection.recv(1 << 16), b"")).decode()
        rows = csv.DictReader(io.StringIO(text.removeprefix("# ")))
        return {row["svname"]: row for row in rows if row["pxname"] == "fibonacci-api"}

    def wait_for(self, name: str, status: str, *, checked: bool = False, timeout: float = 10.0) -> None:
        """Waits until HAProxy says this of a process. A change that is under way does not count yet."""

        def holds() -> bool:
            row = self.statistics()[name]
            return row["status"] == status and (not checked or row["check_status"].startswith("L7OK"))

        wait_until(holds, timeout, f"{name} is {status} in haproxy")

    def resident_pid(self) -> int:
        return self.process.pid

    def close(self) -> None:
        if self.process is not None:
            if self.process.poll() is None:
                self.process.terminate()
                try:
                    self.process.wait(5)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait(10)
            self.output.join(5)
            self.process.stdout.close()
        self.directory.cleanup()
