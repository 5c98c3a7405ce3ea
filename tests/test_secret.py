"""Secrets stay out of sight."""

from __future__ import annotations

import pickle

import pytest

from monitor.secret import Secret, fingerprint

TEXT = "canary-0123456789abcdef"


def test_no_form_of_it_shows_the_text() -> None:
    secret = Secret(TEXT)
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret!r}", f"{[secret]}", "%s" % secret):  # noqa: UP031 - one of the ways
        assert TEXT not in shown
        assert "cdef" in shown


def test_short_secrets_show_nothing_at_all() -> None:
    assert Secret("hunter2").masked() == "••••"


def test_it_is_not_pickled() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret(TEXT))


def test_equality_truth_and_fingerprint() -> None:
    assert Secret(TEXT) == Secret(TEXT)
    assert Secret(TEXT) != TEXT
    assert not Secret("")
    assert Secret(TEXT).fingerprint() == fingerprint(TEXT.encode())
    assert len(Secret(TEXT).fingerprint()) == len("sha256:") + 8
