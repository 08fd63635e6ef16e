#!/usr/bin/env python3
"""Prints what CHANGELOG.md says about the version of a tag, such as v1.2.3, once the code says the same version."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHANGELOG = ROOT / "CHANGELOG.md"
VERSION_SOURCE = ROOT / "Sources/FibonacciAPI/Application/BuildInformation.swift"


class Failure(Exception):
    """What went wrong, for the person who ran this."""


def built_version(source: str) -> str:
    match = re.search(r'\bversion = "([^"]*)"', source)
    if match is None:
        raise Failure(f"{VERSION_SOURCE.relative_to(ROOT)} says no version")
    return match[1]


def section(changelog: str, version: str) -> str:
    """The text below the heading `## VERSION - DATE`, up to the next of its kind."""
    heading = re.compile(rf"^## \[?{re.escape(version)}\]?( - \d{{4}}-\d{{2}}-\d{{2}})?$", re.MULTILINE)
    start = heading.search(changelog)
    if start is None:
        raise Failure(f"{CHANGELOG.name} has no heading `## {version} - DATE`")
    rest = changelog[start.end() :]
    end = re.search(r"^## ", rest, re.MULTILINE)
    text = rest[: end.start() if end else len(rest)].strip()
    if not text:
        raise Failure(f"{CHANGELOG.name} says nothing about {version}")
    return text


def main(arguments: list[str]) -> int:
    try:
        if len(arguments) != 1 or not re.fullmatch(r"v\d+\.\d+\.\d+", arguments[0]):
            raise Failure("usage: release_notes.py TAG, a tag such as v1.2.3")
        version = arguments[0][1:]
        built = built_version(VERSION_SOURCE.read_text())
        if built != version:
            raise Failure(f"the tag says {version}, {VERSION_SOURCE.name} says {built}")
        print(section(CHANGELOG.read_text(), version))
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
