"""The command line: what it prints, where, and with which exit code."""

import re

import oracle
import pytest
from service import free_ports, run_command

EX_CONFIG = 78
HUGE = "99999999999999999999999"
NOT_INTEGERS = ["abc", "-1", "1.5", "1e3", "0x10", " 5", HUGE]

INTEGERS = [
    "PORT",
    "ADMIN_PORT",
    "FIB_MAX_N",
    "CACHE_MEMORY_BYTES",
    "CACHE_TTL_SECONDS",
    "CACHE_MAX_VALUE_BYTES",
    "REDIS_TIMEOUT_MILLISECONDS",
    "REDIS_CONNECT_TIMEOUT_MILLISECONDS",
    "RATE_LIMIT_BUDGET",
    "RATE_LIMIT_WINDOW_SECONDS",
    "COMPUTE_THREADS",
    "COMPUTE_QUEUE_COST",
    "SHUTDOWN_DRAIN_SECONDS",
    "SHUTDOWN_TIMEOUT_SECONDS",
    "HTTP_MAX_CONNECTIONS",
    "HTTP_IDLE_TIMEOUT_SECONDS",
    "HTTP_REQUEST_TIMEOUT_SECONDS",
    "HTTP_WRITE_TIMEOUT_SECONDS",
]
MALFORMED = [
    *((name, value) for name in INTEGERS for value in NOT_INTEGERS),
    ("PORT", "65536"),
    ("ADMIN_PORT", "65536"),
    ("CACHE_MEMORY_BYTES", "64MB"),
    ("CACHE_TTL_SECONDS", "0"),
    ("REDIS_CLUSTER", "yes"),
    ("RATE_LIMIT_BUDGET", "1000000001"),
    ("RATE_LIMIT_WINDOW_SECONDS", "0"),
    ("RATE_LIMIT_WINDOW_SECONDS", "31536001"),
    ("TRUSTED_PROXIES", "everyone"),
    ("TRUSTED_PROXIES", "10.0.0.0/33"),
    ("TRUSTED_PROXIES", "10.0.0.1/8"),
    ("TRUSTED_PROXIES", "10.0.0.0/8,"),
    ("RATE_LIMIT_REDIS_CLUSTER", "yes"),
    ("RATE_LIMIT_REDIS_PASSWORD_FILE", "/password"),
    ("COMPUTE_THREADS", "0"),
    ("HTTP_MAX_CONNECTIONS", "0"),
    ("ARITHMETIC_KERNEL", "fast"),
    ("LOG_LEVEL", "loud"),
    ("LOG_LEVEL", "7"),
    ("LOG_FORMAT", "xml"),
]


def settings_with(name: str, value: str) -> dict[str, str]:
    port, admin_port = free_ports(2)
    return {"HOST": "127.0.0.1", "PORT": str(port), "ADMIN_PORT": str(admin_port), name: value}


def assert_fails_in_one_line(result) -> str:
    """A failure that is not a crash, with nothing on stdout and one line on stderr. Returns the line."""
    assert result.returncode > 0, f"exit code {result.returncode}"
    assert result.stdout in (b"", None)
    lines = result.stderr.decode().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_the_version_is_printed():
    result = run_command("--version")
    assert (result.returncode, result.stderr) == (0, b"")
    assert re.fullmatch(r"fibonacci-api \d+\.\d+\.\d+ \(Swift [\d.]+, kernel \S+\)\n", result.stdout.decode()), (
        result.stdout
    )


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ()], ids=["--help", "-h", "no arguments"])
def test_help_names_the_commands(arguments):
    result = run_command(*arguments)
    assert result.returncode == 0
    for command in (b"serve", b"compute", b"healthcheck"):
        assert command in result.stdout


@pytest.mark.parametrize("command", ["serve", "compute", "healthcheck"])
def test_every_command_has_help(command):
    result = run_command(command, "--help")
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"USAGE" in result.stdout


@pytest.mark.parametrize(
    "arguments", [("unknown",), ("serve", "--unknown"), ("compute",), ("--unknown",)], ids=" ".join
)
def test_a_wrong_command_line_is_an_error_on_stderr(arguments):
    result = run_command(*arguments)
    assert result.returncode > 0
    assert (result.stdout, bool(result.stderr)) == (b"", True)


@pytest.mark.parametrize("n", [0, 1, 10, 78, 79, 186, 187, 1_000, 54_321, 300_000, 1_000_000])
def test_compute_prints_the_digits_and_a_line_feed(n):
    """And nothing else: there is no progress bar where stderr is not a terminal."""
    result = run_command("compute", str(n))
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout == oracle.text_body(n) + b"\n"


@pytest.mark.parametrize("n", [0, 100, 300_000])
def test_compute_writes_a_file(tmp_path, n):
    output = tmp_path / "digits.txt"
    result = run_command("compute", str(n), "--output", str(output))
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert output.read_bytes() == oracle.text_body(n) + b"\n"


def test_compute_replaces_a_longer_file(tmp_path):
    output = tmp_path / "digits.txt"
    output.write_bytes(b"x" * 1_000)
    assert run_command("compute", "10", "--output", str(output)).returncode == 0
    assert output.read_bytes() == b"55\n"


def test_compute_is_not_bounded_by_the_limit_of_the_server():
    assert run_command("compute", "1000", FIB_MAX_N=10).stdout == oracle.text_body(1_000) + b"\n"


@pytest.mark.parametrize("n", ["abc", "-1", "+1", "1.5", "1e3", "0x10", "010", "", " ", "\u0661", HUGE])
def test_compute_refuses_a_bad_n(n):
    result = run_command("compute", "--", n)
    assert result.returncode > 0, "a crash, or a success"
    assert result.stdout == b""
    assert result.stderr.decode().count("\n") <= 4, result.stderr


@pytest.mark.parametrize("place", ["missing/digits.txt", "."])
def test_compute_says_that_it_cannot_write_a_file(tmp_path, place):
    path = tmp_path / place
    line = assert_fails_in_one_line(run_command("compute", "10", "--output", str(path)))
    assert str(path).rstrip("/.") in line, line


def test_compute_says_that_the_disk_is_full():
    assert_fails_in_one_line(run_command("compute", "300000", "--output", "/dev/full"))


def test_compute_fails_where_stdout_takes_nothing():
    with open("/dev/full", "wb") as full:
        assert_fails_in_one_line(run_command("compute", "300000", stdout=full))


@pytest.mark.parametrize(("name", "value"), MALFORMED)
def test_a_malformed_setting_stops_the_start(name, value):
    """One line that names the variable, what it holds and what it may hold."""
    result = run_command("serve", timeout=10, **settings_with(name, value))
    line = assert_fails_in_one_line(result)
    assert result.returncode == EX_CONFIG
    assert re.fullmatch(rf"fibonacci-api: {name} is '{re.escape(value)}': expected .{{5,}}", line), line


@pytest.mark.parametrize("value", ["80\n00", "80\r00", "8000\x1b[31m", "8\u202e0"])
def test_a_malformed_setting_cannot_write_lines_or_control_a_terminal(value):
    result = run_command("serve", timeout=10, **settings_with("FIB_MAX_N", value))
    line = assert_fails_in_one_line(result)
    assert result.returncode == EX_CONFIG
    assert line.startswith("fibonacci-api: FIB_MAX_N is ")
    assert not re.search(r"[\x00-\x1f\x7f]", line), repr(line)


@pytest.mark.parametrize(("name", "value"), [("ADMIN_PORT", "abc"), ("ADMIN_PORT", "65536")])
def test_healthcheck_reports_a_malformed_setting_the_same_way(name, value):
    result = run_command("healthcheck", timeout=10, **{name: value})
    line = assert_fails_in_one_line(result)
    assert line.startswith(f"fibonacci-api: {name} is '{value}': expected "), line


@pytest.mark.parametrize("level", ["trace", "debug", "info", "notice", "warning", "error", "critical"])
def test_every_log_level_is_taken(start, level):
    service = start(LOG_LEVEL=level)
    assert service.fib(10).status == 200
    service.stop()
