"""Screens and overlays, one a file, each with its stylesheet beside it."""
