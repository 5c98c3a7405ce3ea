"""The Textual app: the screens over a running monitor."""
