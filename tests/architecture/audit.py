"""Whether a dependency of the product has a known vulnerability, as far as the package index can be asked.

Findings fail. An index that can't be reached, or that knows nothing of vulnerabilities (many mirrors), is said in one
line and is no failure: otherwise nobody could check anything behind such a mirror.
"""

from __future__ import annotations

import json
import subprocess
import sys

from tests.architecture.project import ROOT

_SECONDS = 120


def main() -> int:
    """Print what was found; 1 for a known vulnerability."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(ROOT / "requirements.lock")]
    options = ["--no-deps", "--disable-pip", "--format=json", "--progress-spinner=off", "--timeout=15"]
    try:
        told = subprocess.run([*command, *options], capture_output=True, text=True, timeout=_SECONDS, check=False)
        report = json.loads(told.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        sys.stdout.write("not audited: the package index did not answer\n")
        return 0
    packages = report["dependencies"]
    found = [
        f"{package['name']} {package['version']}: {finding['id']}, mended in {finding['fix_versions']}"
        for package in packages
        for finding in package.get("vulns", ())
    ]
    skipped = sum("skip_reason" in package for package in packages)
    if skipped:
        sys.stdout.write(f"not audited: {skipped} of {len(packages)}, the package index knows nothing of them\n")
    sys.stdout.write("".join(f"{line}\n" for line in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
