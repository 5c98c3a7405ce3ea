"""The command line: ``hooktop`` and its commands."""


def main() -> None:
    """Run the command line."""
