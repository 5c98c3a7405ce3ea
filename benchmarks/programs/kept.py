"""``hooktop listen`` that makes nothing of what it keeps: no messages, no conversations, no search.

What is left is hooktop's answer alone: receive, verify, read, commit. Where a target is out of its reach, too, no
saving behind the answer would meet it in one process.
"""

from monitor.cli import main
from monitor.store.writer import Writer


def never(self: Writer) -> bool:
    """Nothing is brought up to date."""
    return False


if __name__ == "__main__":
    Writer._may_project = never  # type: ignore[method-assign]
    main()
