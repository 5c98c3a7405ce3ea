"""Fuzz one target: ``python -m tests.fuzz TARGET [SECONDS]``, with atheris (the ``fuzz`` extra).

Starts from what the targets' tests begin with and from what was found before. An input that makes a target raise is
written to ``tests/fuzz/findings/TARGET``: give it a name, mend what it found, and the tests replay it from then on.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

FINDINGS = Path(__file__).parent / "findings"


def main() -> None:
    """Fuzz until the time is over or something is found; atheris ends the process."""
    name, seconds = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "60"
    with atheris.instrument_imports(include=["monitor", "json"]):
        from tests.fuzz.targets import TARGETS
    from tests.fuzz.seeds import seeds

    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(seeds(name)):
            (Path(corpus) / f"seed-{number}").write_bytes(data)
        kept = FINDINGS / name
        kept.mkdir(parents=True, exist_ok=True)
        options = [f"-max_total_time={seconds}", f"-artifact_prefix={kept}/", "-timeout=10", "-rss_limit_mb=2048"]
        atheris.Setup([sys.argv[0], *options, "-max_len=4096", corpus, str(kept)], TARGETS[name])
        atheris.Fuzz()


main()
