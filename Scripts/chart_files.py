#!/usr/bin/env python3
"""Keeps what the chart repeats as its sources have it: chart_files.py write | check.

Its README has a table of values.yaml's keys, defaults and `# --` comments. Its files/ link to the rules and the
dashboards of deploy/: Helm follows links, and a packaged chart has copies. Needs PyYAML.
"""

import json
import os
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "deploy/helm/fibonacci-api"
SOURCES = {"rules": ("prometheus/rules", "*.yml"), "dashboards": ("grafana/dashboards", "*.json")}
BEGIN, END = "<!-- values begin -->\n", "<!-- values end -->\n"
LONGEST_DEFAULT = 80


class Failure(Exception):
    """What went wrong, for the person who ran this."""


def comment_above(lines: list[str], line: int) -> str:
    """What the `# --` comment that ends right above a line says; empty where there is none."""
    said: list[str] = []
    for above in reversed(lines[:line]):
        text = above.strip()
        if not text.startswith("#"):
            return ""
        if text.startswith("# -- "):
            return " ".join([text.removeprefix("# -- "), *said])
        said.insert(0, text.removeprefix("#").strip())
    return ""


def rows(node: yaml.MappingNode, lines: list[str], path: tuple[str, ...] = ()) -> list[tuple[str, str, str]]:
    """Key, default and description of each value. One with a comment of its own stands for all within it."""
    found = []
    for key, value in node.value:
        below = (*path, key.value)
        description = comment_above(lines, key.start_mark.line)
        if isinstance(value, yaml.MappingNode) and value.value and not description:
            found += rows(value, lines, below)
        elif description:
            found.append((".".join(below), default_of(value), description))
        else:
            raise Failure(f"values.yaml: {'.'.join(below)} has no comment that begins with `# --`")
    return found


def default_of(node: yaml.Node) -> str:
    """A default as it fits into a cell."""
    value = yaml.safe_load(yaml.serialize(node))
    text = json.dumps(value, ensure_ascii=False)
    return f"`{text}`" if len(text) <= LONGEST_DEFAULT else "see `values.yaml`"


def table() -> str:
    text = (CHART / "values.yaml").read_text()
    cells = rows(yaml.compose(text), text.splitlines())
    escaped = [tuple(cell.replace("|", "\\|") for cell in row) for row in cells]
    return "| value | default | |\n|---|---|---|\n" + "".join(f"| `{k}` | {d} | {c} |\n" for k, d, c in escaped)


def readme() -> str:
    """The README with the table as it should be."""
    text = (CHART / "README.md").read_text()
    if BEGIN not in text or END not in text:
        raise Failure(f"README.md of the chart lacks {BEGIN.strip()} or {END.strip()}")
    before, rest = text.split(BEGIN, 1)
    return before + BEGIN + "\n" + table() + "\n" + END + rest.split(END, 1)[1]


def links() -> dict[Path, str]:
    """Where each link of the chart should be, and what it should hold."""
    wanted = {}
    for folder, (source, pattern) in SOURCES.items():
        for path in sorted((ROOT / "deploy" / source).glob(pattern)):
            link = CHART / "files" / folder / path.name
            wanted[link] = os.path.relpath(path, link.parent)
    return wanted


def differences() -> list[str]:
    wanted = links()
    found = {path for path in (CHART / "files").rglob("*") if path.is_symlink() or path.is_file()}
    wrong = {path: target for path, target in wanted.items() if not leads(path, target)}
    said = [f"{path.relative_to(ROOT)} is not a link to {target}" for path, target in wrong.items()]
    said += [f"{path.relative_to(ROOT)} is too many" for path in sorted(found - set(wanted))]
    if (CHART / "README.md").read_text() != readme():
        said.append("the chart's README.md is not what values.yaml says")
    return said


def leads(path: Path, target: str) -> bool:
    return path.is_symlink() and os.readlink(path) == target


def write() -> None:
    (CHART / "README.md").write_text(readme())
    wanted = links()
    for path in (CHART / "files").rglob("*"):
        if (path.is_symlink() or path.is_file()) and path not in wanted:
            path.unlink()
    for path, target in wanted.items():
        if not leads(path, target):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.symlink_to(target)


def main(arguments: list[str]) -> int:
    try:
        match arguments:
            case ["write"]:
                write()
            case ["check"]:
                if said := differences():
                    raise Failure("\n".join([*said, "run `make chart-files`"]))
            case _:
                raise Failure("usage: chart_files.py write | check")
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
