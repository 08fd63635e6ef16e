"""The arithmetic of the built binary: every kernel, large numbers, memory, processors that lack instructions."""

import hashlib
import os
import pathlib
import platform
import pty
import random
import re
import shutil
import subprocess

import oracle
import pytest
from service import binary_path, clean_environment, run_command

IS_X86 = platform.machine() == "x86_64"
KERNELS = ["baseline", "avx2", "avx512"] if IS_X86 else ["baseline"]
KERNEL_NAMES = {"baseline": "sse2" if IS_X86 else "neon", "avx2": "avx2", "avx512": "avx512"}
FLAGS = {"baseline": set(), "avx2": {"avx2", "fma", "bmi2"}, "avx512": {"avx512f", "avx512dq", "avx512bw", "avx512vl"}}


def processor_flags() -> set[str]:
    """What the processor says of itself, on Linux."""
    found = re.search(r"^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return set(found[1].split()) if found else set()


def kernels_here() -> list[str]:
    flags = processor_flags()
    return [name for name in KERNELS if FLAGS[name] <= flags]


def kernel_of_version(**settings) -> str:
    result = run_command("--version", **settings)
    return re.search(r"kernel (\S+)\)", result.stdout.decode())[1]


def peak_bytes(n: int, **settings) -> int:
    """The largest resident size of a process that computes F(n)."""
    program = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    command = ["python3", "-c", program, str(binary_path()), "compute", str(n), "--output", os.devnull]
    result = subprocess.run(
        command, env=clean_environment(**settings), capture_output=True, check=True, timeout=300, text=True
    )
    return int(result.stdout) * 1024


def test_the_fastest_kernel_that_the_processor_has_is_chosen():
    assert kernel_of_version() == KERNEL_NAMES[kernels_here()[-1]]
    assert kernel_of_version(ARITHMETIC_KERNEL="auto") == KERNEL_NAMES[kernels_here()[-1]]


@pytest.mark.parametrize("kernel", kernels_here())
def test_a_kernel_can_be_forced(kernel, start):
    assert kernel_of_version(ARITHMETIC_KERNEL=kernel) == KERNEL_NAMES[kernel]
    service = start(ARITHMETIC_KERNEL=kernel)
    assert service.admin("/version").json()["kernel"] == KERNEL_NAMES[kernel]
    assert service.fib(123_456, fields={"Accept": "text/plain"}).body == oracle.text_body(123_456)


@pytest.mark.parametrize("value", ["fast", "AVX2", "", "auto "])
@pytest.mark.parametrize("command", [["compute", "10"], ["serve"]])
def test_a_kernel_that_does_not_exist_is_refused(command, value):
    result = run_command(*command, ARITHMETIC_KERNEL=value)
    assert (result.returncode, result.stdout) == (78, b"")
    assert result.stderr.decode().startswith(f"fibonacci-api: ARITHMETIC_KERNEL is '{value}': expected one of auto, ")


@pytest.mark.parametrize("kernel", kernels_here())
def test_hundreds_of_random_n_are_exact(kernel):
    """Even over the logarithm of n, so that every length of transform and every way of multiplying comes up."""
    generator = random.Random(f"engine {kernel}")
    for _ in range(150):
        n = int(1_000 * 3_000 ** generator.random())
        assert run_command("compute", str(n), ARITHMETIC_KERNEL=kernel).stdout == oracle.text_body(n) + b"\n", n


@pytest.mark.parametrize("kernel", kernels_here())
@pytest.mark.parametrize("n", [235_100, 352_700, 470_300, 940_700, 1_411_050, 1_881_400])
def test_n_that_need_more_roots_than_longer_ones_are_exact_in_a_fresh_process(kernel, n):
    assert run_command("compute", str(n), ARITHMETIC_KERNEL=kernel).stdout == oracle.text_body(n) + b"\n"


def test_a_fresh_service_survives_its_first_large_request(start):
    for n in (235_100, 1_411_050):
        service = start()
        assert service.fib(n, fields={"Accept": "text/plain"}).body == oracle.text_body(n)


@pytest.mark.parametrize("threads", [1, 2, 3, 16])
def test_threads_make_no_difference(threads):
    for n in [20_000, 99_999, 1_234_567, 3_000_000]:
        result = run_command("compute", str(n), COMPUTE_THREADS=threads)
        assert result.stdout == oracle.text_body(n) + b"\n", n


@pytest.mark.parametrize("n", [12_430_000, 12_450_001, 47_000_111])
def test_large_n_are_exact(n):
    """On both sides of the change of base, by every kernel."""
    expected = hashlib.sha256(oracle.text_body(n) + b"\n").digest()
    for kernel in kernels_here():
        result = run_command("compute", str(n), ARITHMETIC_KERNEL=kernel)
        assert hashlib.sha256(result.stdout).digest() == expected, kernel


def test_a_hundred_million_is_exact(tmp_path):
    output = tmp_path / "digits.txt"
    assert run_command("compute", "100000000", "--output", str(output)).returncode == 0
    assert output.read_bytes() == oracle.text_body(100_000_000) + b"\n"


@pytest.mark.parametrize(("n", "limit"), [(10_000_000, 60e6), (100_000_000, 0.5e9), (1_000_000_000, 5e9)])
def test_memory_stays_within_its_bound(n, limit, figure):
    """The digits are streamed: nothing but the number and the work memory is held."""
    peak = peak_bytes(n)
    figure(f"peak memory of compute {n}: {peak / 1e6:.0f} MB")
    assert peak <= limit


def test_a_service_gives_work_memory_back(start):
    service = start(CACHE_MEMORY_BYTES=0)
    for n in range(9_000_000, 9_000_010):
        assert service.fib(n, fields={"Accept": "text/plain"}, timeout=30).status == 200
    assert service.resident_bytes() < 60e6


def test_a_long_computation_shows_its_progress_on_a_terminal():
    """And takes the bar away at the end."""
    controller, terminal = pty.openpty()
    command = [str(binary_path()), "compute", "1000000000", "--output", os.devnull]
    environment = clean_environment(COMPUTE_THREADS=1, ARITHMETIC_KERNEL="baseline")
    with subprocess.Popen(command, stderr=terminal, env=environment) as process:
        os.close(terminal)
        shown = b""
        while True:
            try:
                shown += os.read(controller, 1_024)
            except OSError:  # The terminal's other side is closed.
                break
        assert process.wait(60) == 0
    percents = [int(found) for found in re.findall(rb"(\d+) %", shown)]
    assert len(percents) >= 3
    assert percents == sorted(percents)
    assert percents[-1] < 100
    assert shown.endswith(b"\r\x1b[K")


if IS_X86:  # Other architectures have one kernel, for every processor.

    @pytest.mark.parametrize(("processor", "kernel"), [("qemu64", "sse2"), ("Nehalem", "sse2"), ("Haswell", "avx2")])
    def test_an_emulated_processor_gets_no_instruction_that_it_lacks(processor, kernel):
        emulator = shutil.which("qemu-x86_64")
        assert emulator, "qemu-x86_64 is missing: apt-get install qemu-user"
        command = [emulator, "-cpu", processor, str(binary_path())]

        def output(*arguments: str) -> bytes:
            return subprocess.run(
                [*command, *arguments], env=clean_environment(), stdout=subprocess.PIPE, timeout=120, check=True
            ).stdout

        assert f"kernel {kernel})".encode() in output("--version")
        for n in [300, 5_000, 18_001, 300_000]:
            assert output("compute", str(n)) == oracle.text_body(n) + b"\n"


def test_only_the_kernels_hold_instructions_that_old_processors_lack():
    """The linker keeps one copy of what several modules generate: it must not be the one of a kernel."""
    disassembler = shutil.which("objdump")
    assert disassembler, "objdump is missing: apt-get install binutils"
    listing = subprocess.run(
        [disassembler, "--disassemble", "--no-show-raw-insn", str(binary_path())],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    function, guilty = "", set()
    for line in listing.splitlines():
        if line.endswith(">:"):
            function = line.split("<", 1)[1][:-2]
        elif re.search(r"%[yz]mm\d|\tv[a-z]+\S*\s", line) and "TransformKernelAVX" not in function:
            guilty.add(function)
    assert not {name for name in guilty if name.startswith("$s")}
