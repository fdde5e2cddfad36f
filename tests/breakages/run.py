#!/usr/bin/env python3
"""Applies each breakage of breakages.toml to a copy of the source, one at a time, runs
the tests, and writes what caught it to TABLE.md. Fails if something was not caught.

    python3 tests/breakages/run.py [part of a name …]

Unit tests of the common crate and the opener, the quick stories and those that a breakage
names, and some seeds of the simulator of bad days. The first build
takes as long as any first build.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "breakages"
# Its own: what is built from broken source must not be taken for the real thing.
TARGET = ROOT / "target" / "breakages"
SEEDS = 5
# Quick stories; a breakage may name others beside them.
STORIES = ["audit", "canary", "consent", "guarded", "intake", "local", "opener", "policy", "pool", "roles", "sealing", "template"]
FAILED = re.compile(r"^test (\S+) \.\.\. FAILED$", re.M)


def copy(folder):
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in files.stdout.splitlines():
        source = ROOT / name
        if source.is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def cargo(folder, *arguments):
    environment = dict(os.environ, CARGO_TARGET_DIR=str(TARGET), RUST_BACKTRACE="0", RUSTFLAGS=os.environ.get("RUSTFLAGS", ""))
    return subprocess.run(["cargo", *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def broken_by(folder, breakage):
    """Test names that fail, and what the simulator says."""
    originals = {}
    for edit in breakage["edit"]:
        path = folder / edit["file"]
        text = path.read_text()
        originals.setdefault(path, text)
        if text.count(edit["find"]) != 1:
            sys.exit(f"{breakage['name']}: {edit['file']} does not hold the text once")
        path.write_text(text.replace(edit["find"], edit["replace"]))
    try:
        packages = ["-p", "azukari", "-p", "azukari-opener", "-p", "azukari-tests"]
        built = cargo(folder, "test", "--no-run", *packages)
        if built.returncode != 0:
            return ["the compiler"], ""
        stories = [name if "::" in name else f"{name}::" for name in STORIES + breakage.get("stories", [])]
        # One choice of packages, so that nothing is compiled twice.
        units = cargo(folder, "test", "--no-fail-fast", *packages, "--lib")
        it = cargo(folder, "test", *packages, "--test", "it", "--", *stories, "--skip", "a_crash_or_a_fault", "--skip", "every_breakage")
        program = TARGET / "debug" / "bad-days"
        days = subprocess.run([program, "--seeds", f"0..{SEEDS}", "--no-shrink"], cwd=folder, capture_output=True, text=True)
        seed = re.search(r"^seed (\d+): after action \d+: (.*)$", days.stdout, re.M)
        return FAILED.findall(units.stdout) + FAILED.findall(it.stdout), seed and f"seed {seed[1]}: {seed[2]}"
    finally:
        for path, text in originals.items():
            path.write_text(text)


def known_rows():
    """Rows of the table as it is, so that a part of it can be written anew."""
    table = HERE / "TABLE.md"
    lines = table.read_text().splitlines() if table.exists() else []
    return {line.split(" | ")[0].removeprefix("| "): line for line in lines if line.startswith("| ") and "tests that failed" not in line}


def main():
    breakages = tomllib.loads((HERE / "breakages.toml").read_text())["breakage"]
    order = [it["name"] for it in breakages]
    breakages = [it for it in breakages if len(sys.argv) < 2 or any(part in it["name"] for part in sys.argv[1:])]
    rows, missed = known_rows(), []
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary) / "copy"
        copy(folder)
        for breakage in breakages:
            tests, seed = broken_by(folder, breakage)
            if not tests and not seed:
                missed.append(breakage["name"])
            shown = "<br>".join(f"`{name}`" for name in tests[:6]) or "–"
            if len(tests) > 6:
                shown += f"<br>and {len(tests) - 6} more"
            seed = re.sub(r"[0-9a-f]{32}", "…", seed).replace("|", "/") if seed else "–"
            rows[breakage["name"]] = f"| {breakage['name']} | {shown} | {seed} |"
            print(f"{breakage['name']}: {len(tests)} tests; {seed}", flush=True)
    stories = ", ".join(STORIES)
    head = [
        "# What catches what",
        "",
        f"Written by `python3 tests/breakages/run.py`: each breakage of `breakages.toml` alone, the unit tests of the common crate and of the opener, the quick stories ({stories}) and those that the breakage names, and {SEEDS} seeds of the simulator of bad days. A dash says that it was not noticed there.",
        "",
        "| breakage | tests that failed | bad days |",
        "|---|---|---|",
    ]
    (HERE / "TABLE.md").write_text("\n".join(head + [rows[name] for name in order if name in rows]) + "\n")
    if missed:
        sys.exit("not caught: " + ", ".join(missed))


if __name__ == "__main__":
    main()
