"""Passing captures on over HTTP: to the developer's own app as they come, and again later."""
