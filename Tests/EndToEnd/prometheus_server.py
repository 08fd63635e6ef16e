"""Starts a real Prometheus with the project's rules on a free port of 127.0.0.1, and always ends it."""

from __future__ import annotations

import json
import pathlib
import subprocess
import tempfile
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml
from deployment import PROMETHEUS, RULE_FILES, load
from redis_server import require
from service import free_ports, wait_until


class PrometheusServer:
    """Scrapes the service, or the jobs that are given, each second. As a context manager it is ready on entry."""

    def __init__(self, target_port: int | None = None, jobs: list[dict] | None = None):
        self.jobs = jobs
        self.port = free_ports(1)[0]
        self.directory = tempfile.TemporaryDirectory(prefix="prometheus-")
        self.process: subprocess.Popen | None = None
        self._write_configuration(pathlib.Path(self.directory.name), target_port)

    def _write_configuration(self, directory: pathlib.Path, target_port: int | None) -> None:
        """The project's configuration, in a hurry: only what differs in a test is changed."""
        configuration = load(PROMETHEUS / "prometheus.yml")
        configuration["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        del configuration["alerting"]
        jobs = {job["job_name"]: job for job in configuration["scrape_configs"]}
        jobs["fibonacci-api"]["static_configs"] = [{"targets": [f"127.0.0.1:{target_port}"]}]
        configuration["scrape_configs"] = self.jobs or [jobs["fibonacci-api"]]
        configuration["rule_files"] = []
        for path in RULE_FILES:
            content = load(path)
            for group in content["groups"]:
                group.pop("interval", None)
            copy = directory / path.name
            copy.write_text(yaml.safe_dump(content))
            configuration["rule_files"].append(str(copy))
        (directory / "prometheus.yml").write_text(yaml.safe_dump(configuration))

    def __enter__(self) -> PrometheusServer:
        directory = pathlib.Path(self.directory.name)
        self.log = (directory / "log").open("w")
        self.process = subprocess.Popen(
            [
                require("prometheus", "prometheus"),
                f"--config.file={directory}/prometheus.yml",
                f"--storage.tsdb.path={directory}/data",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--enable-feature=exemplar-storage",
            ],
            stdout=subprocess.DEVNULL,
            stderr=self.log,
        )
        try:
            wait_until(self._is_ready, 30, "Prometheus is ready", interval=0.05)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self.log.close()
        self.directory.cleanup()

    def _is_ready(self) -> bool:
        if self.process.poll() is not None:
            log = pathlib.Path(self.directory.name, "log").read_text()
            raise AssertionError(f"Prometheus ended with {self.process.returncode}: {log[-2000:]}")
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=2) as response:
                return response.status == 200
        except (URLError, OSError):
            return False

    def get(self, path: str, **parameters):
        """The data of an answer of the HTTP API."""
        query = urlencode({key: value for key, value in parameters.items() if value is not None}, doseq=True)
        with urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}?{query}", timeout=10) as response:
            answer = json.load(response)
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series of an instant vector, now."""
        result = self.get("query", query=expression)["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]
