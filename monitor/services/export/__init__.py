"""Captures written to one file in the forms that other programs and other people can use."""
