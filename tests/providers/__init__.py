"""Tests of the providers: how they sign, what they mean, and the modules they share."""
