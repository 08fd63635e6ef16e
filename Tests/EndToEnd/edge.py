"""Caches in front of the service: real nginx and Varnish with the very files of deploy/edge, on free ports."""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import pwd
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading

import http_sfv
import pytest
from deployment import DEPLOY
from rawhttp import Connection, ConnectionClosed, Response
from redis_server import require
from service import Service, free_ports, wait_until

EDGE = DEPLOY / "edge"
barriers = itertools.count()
clients = itertools.count()
# Where Debian has servers, which is not in everybody's path.
SYSTEM_PROGRAMS = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin"
NGINX_MODULES = ("/usr/lib/nginx/modules", "/usr/share/nginx/modules", "/usr/lib64/nginx/modules")
CLIENT_FIELDS = ("X-RateLimit-Cost", "X-RateLimit-Remaining", "RateLimit-Policy", "RateLimit")


def substitute(text: str, replacements: dict[str, str]) -> str:
    """The text with other addresses and directories; what is replaced has to be there."""
    for old, new in replacements.items():
        assert old in text, f"{old!r} is no longer in the file: the tests have to know its new form"
        text = text.replace(old, new)
    return text


class Edge:
    """A cache on a free port of 127.0.0.1 and of ::1, which asks `origin`."""

    name = ""
    """The token of its member in Cache-Status."""

    def __init__(self, origin: int):
        self.origin = origin
        self.port = free_ports(1)[0]
        self.directory = tempfile.TemporaryDirectory(prefix=f"{self.name}-")
        self.root = pathlib.Path(self.directory.name)
        self.process: subprocess.Popen | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> Edge:
        self.process = subprocess.Popen(
            self.command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.root / "stderr").open("wb"),
        )
        wait_until(self._answers_or_dead, 30, f"{self.name} on port {self.port} answers")
        assert self.process.poll() is None, f"{self.name} ended: {(self.root / 'stderr').read_text()}"
        return self

    def _answers_or_dead(self) -> bool:
        try:
            return self.process.poll() is not None or self.request("/unknown", timeout=2).status in (404, 502, 503)
        except (OSError, ConnectionClosed):
            return False

    def connect(self, timeout: float = 20.0, *, source: str | None = None, **options) -> Connection:
        """A connection from an address of its own, unless it is told where from: a client with a full bucket."""
        if source is None:
            number = next(clients)
            source = f"127.{200 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"
        return Connection(self.port, timeout, source=source, **options)

    def request(self, target: str | bytes, *, timeout: float = 20.0, source: str | None = None, **parts) -> Response:
        """One request on a connection of its own."""
        with self.connect(timeout, source=source) as connection:
            return connection.request(target, **parts)

    def fib(self, n: int | str, **parts) -> Response:
        return self.request(f"/v1/fib?n={n}", **parts)

    def purge(self) -> None:
        """Empties the cache, as docs/edge.md says."""
        raise NotImplementedError

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self.directory.cleanup()


class Nginx(Edge):
    name = "edge-nginx"

    def __init__(self, origin: int, certificates: dict[str, str] | None = None, *, njs: bool = True):
        super().__init__(origin)
        self.certificates = certificates
        self.njs = njs
        self.tls_port = free_ports(1)[0]

    def command(self) -> list[str]:
        program = require("nginx", "nginx libnginx-mod-http-js", SYSTEM_PROGRAMS)
        shutil.copytree(EDGE / "nginx", self.root, dirs_exist_ok=True)
        if self.njs:
            self._link_module()
        else:
            self._rewrite("nginx.conf", {"load_module modules/ngx_http_js_module.so;": ""})
            self._rewrite("conf.d/fibonacci-api.conf", {"fibonacci-api-njs.conf": "fibonacci-api-plain.conf"})
        self._rewrite("nginx.conf", {"/run/nginx.pid": f"{self.root}/pid", "/var/log/nginx": str(self.root)})
        self._rewrite(
            "conf.d/fibonacci-api.conf",
            {
                "server 127.0.0.1:8000;": f"server 127.0.0.1:{self.origin};",
                "listen 8080;": f"listen 127.0.0.1:{self.port};",
                "listen [::]:8080;": f"listen [::1]:{self.port};",
                "/var/cache/nginx/fibonacci-api": f"{self.root}/cache",
                "/var/log/nginx": str(self.root),
            },
        )
        if self.certificates:
            self._add_tls()
        user = pwd.getpwuid(os.getuid()).pw_name
        temporary = " ".join(f"{kind}_temp_path {self.root}/{kind};" for kind in ("client_body", "proxy"))
        (self.root / "nginx.conf").write_text(
            (self.root / "nginx.conf").read_text().replace("http {", f"http {{ {temporary}", 1)
        )
        main = f"daemon off; user {user};" if os.getuid() == 0 else "daemon off;"
        return [program, "-p", str(self.root), "-e", f"{self.root}/error.log", "-c", "nginx.conf", "-g", main]

    def purge(self) -> None:
        for path in (self.root / "cache").iterdir():
            shutil.rmtree(path)

    def _add_tls(self) -> None:
        self._rewrite("conf.d/fibonacci-api.conf", {"# include snippets": "include snippets"})
        self._rewrite(
            "snippets/fibonacci-api-tls.conf",
            {
                "listen 443 ": f"listen 127.0.0.1:{self.tls_port} ",
                "listen [::]:443 ": f"listen [::1]:{self.tls_port} ",
                "/etc/nginx/tls/tls.crt": self.certificates["server.crt"],
                "/etc/nginx/tls/tls.key": self.certificates["server.key"],
            },
        )

    def _rewrite(self, name: str, replacements: dict[str, str]) -> None:
        path = self.root / name
        path.write_text(substitute(path.read_text(), replacements))

    def _link_module(self) -> None:
        """njs, where `load_module` looks for it: below the prefix."""
        for directory in NGINX_MODULES:
            if pathlib.Path(directory, "ngx_http_js_module.so").exists():
                (self.root / "modules").symlink_to(directory)
                return
        pytest.fail("nginx has no njs: apt-get install libnginx-mod-http-js", pytrace=False)


class Varnish(Edge):
    name = "edge-varnish"

    def command(self) -> list[str]:
        program = require("varnishd", "varnish", SYSTEM_PROGRAMS)
        vcl = (EDGE / "varnish" / "default.vcl").read_text()
        (self.root / "default.vcl").write_text(substitute(vcl, {'.port = "8000";': f'.port = "{self.origin}";'}))
        listeners = ["-a", f"127.0.0.1:{self.port}", "-a", f"[::1]:{self.port}"]
        # No jail: the tests need no privileges, and the directory is theirs.
        return [
            program,
            "-F",
            "-j",
            "none",
            "-n",
            f"{self.root}/work",
            "-f",
            f"{self.root}/default.vcl",
            "-s",
            "malloc,128m",
            *listeners,
        ]

    def purge(self) -> None:
        ban = 'ban obj.http.ETag ~ "^.fib-v1-"'
        program = require("varnishadm", "varnish", SYSTEM_PROGRAMS)
        subprocess.run([program, "-n", f"{self.root}/work", ban], check=True, capture_output=True, timeout=20)


class Chain(Edge):
    """nginx, which ends TLS and caches, in front of a Varnish that shields the service."""

    name = "edge-nginx"

    def __init__(self, origin: int):
        self.inner = Varnish(origin)
        self.outer = Nginx(self.inner.port)
        self.port = self.outer.port

    def start(self) -> Chain:
        self.inner.start()
        self.outer.start()
        return self

    def purge(self) -> None:
        self.inner.purge()
        self.outer.purge()

    def close(self) -> None:
        self.outer.close()
        self.inner.close()


KINDS = {"nginx": Nginx, "varnish": Varnish, "nginx and varnish": Chain}


class ShortLived:
    """A hop between a cache and the service that makes answers live for a second or two.

    The caches run with the files of deploy/edge as they are, so only what the service says can make an answer old.
    """

    LIFETIME = b"max-age=86400"

    def __init__(self, origin: int, seconds: int = 1):
        self.origin = origin
        self.replacement = b"max-age=%05d" % seconds
        assert len(self.replacement) == len(self.LIFETIME)
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def _handler(self):
        hop = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                hop._relay(self.request)

        return Handler

    def _relay(self, client) -> None:
        try:
            with socket.create_connection(("127.0.0.1", self.origin), 10) as upstream:
                upstream.settimeout(None)
                up = threading.Thread(target=self._pump, args=(client, upstream, False), daemon=True)
                up.start()
                self._pump(upstream, client, True)
        except OSError:
            pass

    def _pump(self, source, target, rewrite: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data.replace(self.LIFETIME, self.replacement) if rewrite else data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def plain(item: object) -> bool | int | str:
    """A parameter, with tokens as text."""
    return item if isinstance(item, bool | int) else str(item)


def cache_statuses(response: Response) -> list[tuple[str, dict]]:
    """The members of Cache-Status over all its lines, by the rules of RFC 9651: the service's first."""
    members = http_sfv.List()
    members.parse((response.field("Cache-Status") or "").encode("latin-1"))
    return [(str(member.value), {key: plain(item) for key, item in member.params.items()}) for member in members]


def own(response: Response) -> dict:
    """The parameters of the member that the cache nearest to the client has added."""
    return cache_statuses(response)[-1][1]


def requests_that_reached(service: Service, *identifiers: str) -> list[dict]:
    """The lines of the service's log about requests with these identifiers, once all that was asked is in it."""
    barrier = f"barrier-{next(barriers)}"
    service.request("/healthz", fields={"X-Request-ID": barrier})
    service.access_log(barrier)
    return [entry for entry in service.log() if entry.get("request_id") in identifiers]
