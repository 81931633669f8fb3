"""``make fuzz``: atheris changes the samples, led by what code they reach, until the time is up or something is found.

    python -m tests.fuzz                       every target, a minute each
    python -m tests.fuzz --target mail --seconds 3600

Atheris is no dependency of the product or of its tests: it is large, and not built for every Python. Where it is
missing it is said how to get it. What is found is written down as a file, and belongs into a test.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

MISSING = """atheris is not installed here: `make fuzz` needs it, nothing else does.

    .venv/bin/pip install atheris

It comes ready for Linux with CPython 3.11 to 3.13; elsewhere it has to be built, with clang. The same parsers are tried
with changed samples by `make test ARGS="-k test_parsers"`, without it."""
WATCHED = ("channels", "skills.adapt", "skills.language", "email", "zipfile", "tnefparse", "mailparser_reply")


def main() -> int:
    """1 when something was found, 2 without atheris."""
    if importlib.util.find_spec("atheris") is None:
        print(MISSING)
        return 2
    if sys.argv[1:2] == ["--inside"]:
        _fuzz(*sys.argv[2:5])
    from tests.fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(description="fuzz the parsers of what strangers send")
    parser.add_argument("--target", choices=sorted(TARGETS), help="only this one")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--found", type=Path, default=Path(tempfile.gettempdir()), help="where findings are written")
    given = parser.parse_args()
    failed = 0
    # A process each: what libFuzzer finds ends it.
    for name in [given.target] if given.target else TARGETS:
        told = subprocess.run(
            [sys.executable, "-m", "tests.fuzz", "--inside", name, str(given.seconds), str(given.found)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        runs = next((line for line in reversed(told.stderr.splitlines()) if line.startswith("Done ")), "")
        print(f"{'ok   ' if told.returncode == 0 else 'FOUND'} {name:20} {runs}", flush=True)
        if told.returncode != 0:
            failed += 1
            print((told.stdout + told.stderr)[-6_000:], flush=True)
    return 1 if failed else 0


def _fuzz(name: str, seconds: str, found: str) -> None:
    """Fuzz one target in this process, which ends with it."""
    import atheris

    # Only what is imported now is watched.
    with atheris.instrument_imports(include=list(WATCHED)):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as corpus:
        for number, sample in enumerate(target.samples):
            (Path(corpus) / str(number)).write_bytes(sample)
        options = [f"-max_total_time={seconds}", "-max_len=20000", "-timeout=20", f"-artifact_prefix={found}/{name}-"]
        atheris.Setup([sys.argv[0], *options, corpus], target.run)
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
