"""Captures and their views in one SQLite file: one writer, many readers."""
