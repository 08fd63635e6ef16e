#!/usr/bin/env python3
"""Compares the packages that resolve with dependencies.lock, or rewrites that file.

One line a package, transitive ones too: name, version, URL. No commits: a mirror of a package may have others.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "dependencies.lock"
HEADER = "# Every package that resolves, transitive ones too. Written by `make lock`, compared by `make lint`.\n"
RESOLVE_SECONDS = 600


class Failure(Exception):
    """What went wrong, for the person who ran this."""


def resolve(update: bool) -> dict[str, tuple[str, str]]:
    """Versions and URLs of what resolves, by name."""
    if update:
        swift("package", "update")
    graph = json.loads(swift("package", "show-dependencies", "--format", "json"))
    packages: dict[str, tuple[str, str]] = {}
    waiting = list(graph["dependencies"])
    while waiting:
        node = waiting.pop()
        # Manifests write the same URL with and without the suffix.
        entry = (node["version"], node["url"].removesuffix(".git"))
        name = node["identity"]
        if packages.setdefault(name, entry) != entry:
            raise Failure(f"{name} resolves twice: {packages[name]} and {entry}")
        if entry[0] == "unspecified":
            raise Failure(f"{name} resolves to no version: depend on a release, not on a branch, commit or folder")
        waiting += node["dependencies"]
    return packages


def swift(*arguments: str) -> str:
    command = ["swift", *arguments]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=RESOLVE_SECONDS)
    except FileNotFoundError:
        raise Failure("no swift on the PATH: install a Swift 6.3 toolchain") from None
    except subprocess.TimeoutExpired:
        raise Failure(f"`{' '.join(command)}` took longer than {RESOLVE_SECONDS} s") from None
    if done.returncode != 0:
        raise Failure(f"`{' '.join(command)}` failed:\n{done.stderr.strip()}")
    return done.stdout


def render(packages: dict[str, tuple[str, str]]) -> str:
    return HEADER + "".join(f"{name} {version} {url}\n" for name, (version, url) in sorted(packages.items()))


def parse(text: str) -> dict[str, tuple[str, str]]:
    packages = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("#"):
            continue
        match line.split(" "):
            case [name, version, url] if all((name, version, url)):
                packages[name] = (version, url)
            case _:
                raise Failure(f"{LOCK.name}:{number}: not `name version url`: {line!r}; `make lock` rewrites the file")
    return packages


def differences(locked: dict[str, tuple[str, str]], resolved: dict[str, tuple[str, str]]) -> list[str]:
    lines = []
    for name in sorted(locked.keys() | resolved.keys()):
        before, now = locked.get(name), resolved.get(name)
        if before == now:
            continue
        if before is None:
            lines.append(f"  + {name} {' '.join(now)} is not locked")
        elif now is None:
            lines.append(f"  - {name} {' '.join(before)} is locked but does not resolve")
        else:
            lines.append(f"  ~ {name} locked {' '.join(before)}, resolves to {' '.join(now)}")
    return lines


def check() -> None:
    try:
        text = LOCK.read_text()
    except FileNotFoundError:
        raise Failure(f"no {LOCK.name}: `make lock` writes it") from None
    resolved = resolve(update=False)
    lines = differences(parse(text), resolved)
    if lines:
        raise Failure(
            "\n".join([f"{LOCK.name} is not what resolves:", *lines])
            + "\nA change of yours, or a release to take: `make lock`, read the difference, commit it."
            + "\nOnly this machine is behind: `swift package update`."
        )
    if text != render(resolved):
        raise Failure(f"{LOCK.name} is not in its own form (order, header, spaces): `make lock` rewrites it")
    print(f"{LOCK.name}: {len(resolved)} packages, as they resolve")


def write() -> None:
    resolved = resolve(update=True)
    LOCK.write_text(render(resolved))
    print(f"{LOCK.name}: {len(resolved)} packages written")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["check", "write"])
    try:
        {"check": check, "write": write}[parser.parse_args().action]()
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
