"""hooktop: top for webhooks."""

__version__ = "0.1.0"
