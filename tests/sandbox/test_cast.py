"""People, numbers and texts of simulated traffic."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sandbox.cast import AMERICAN_BUSINESSES, AMERICANS, OVERSEAS, OVERSEAS_BUSINESSES, scene
from monitor.sandbox.texts import DEFAULT_LANGUAGE, EXCHANGES, fill
from tests.sandbox.actors import START

FICTIONAL = re.compile(r"\+1[2-9]\d\d55501\d\d|\+447700900\d{3}|\+61491570\d{3}")
EVERYBODY = AMERICANS + OVERSEAS


def test_every_number_is_reserved_for_fiction_and_used_once() -> None:
    numbers = [customer.person.phone for customer in EVERYBODY] + [*AMERICAN_BUSINESSES, *OVERSEAS_BUSINESSES]
    assert [number for number in numbers if not FICTIONAL.fullmatch(number)] == []
    assert len(set(numbers)) == len(numbers)


def test_every_mail_address_is_at_example_com_and_used_once() -> None:
    addresses = [customer.person.email for customer in EVERYBODY]
    assert [address for address in addresses if not re.fullmatch(r"[a-z.]+@example\.com", address)] == []
    assert len(set(addresses)) == len(addresses)


def test_names_are_of_many_scripts() -> None:
    names = [customer.person.name for customer in EVERYBODY]
    assert sum(name.isascii() for name in names) < len(names) / 2
    assert len({customer.language for customer in EVERYBODY}) >= 10


def test_everybody_who_writes_another_language_has_texts_in_it() -> None:
    assert {customer.language for customer in EVERYBODY} == {exchange.language for exchange in EXCHANGES}


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ("a code", re.compile(r"\b\d{6}\b")),
        ("emoji", re.compile("[\U0001f300-\U0001faff]")),
        ("right to left", re.compile("[\u0590-\u05ff\u0600-\u06ff]")),
        ("an opt-out", re.compile(r"^STOP$")),
        ("a question", re.compile(r"\?$")),
        ("several lines", re.compile(r"\n\n")),
        ("square brackets", re.compile(r"^\[")),
        ("three parts of a text message", re.compile(r".{320}", re.DOTALL)),
    ],
)
def test_texts_and_replies_hold(what: str, found: re.Pattern[str]) -> None:
    texts = [t for seed in range(1500) for s in [scene(Random(seed), START)] for t in (s.text, s.reply)]
    assert any(found.search(text) for text in texts), what


def test_every_template_can_be_filled() -> None:
    for exchange in EXCHANGES:
        for text in (exchange.text, *exchange.replies):
            filled = text.format_map(fill(Random(1), "Maya"))
            assert filled.strip()
            assert not {"{", "}"} & set(filled)


def test_web_addresses_are_at_example_com() -> None:
    found = [u for e in EXCHANGES for u in re.findall(r"https?://([^/\s]+)", e.text + " ".join(e.replies))]
    assert set(found) == {"example.com"}


@given(st.integers(0, 2**64))
def test_a_scene_is_that_of_its_seed(seed: int) -> None:
    first, second = (scene(Random(seed), START, "bird") for _ in range(2))
    assert (first.customer, first.business, first.text, first.reply) == (
        second.customer,
        second.business,
        second.text,
        second.reply,
    )
    assert first.start == START


def test_a_code_in_a_reply_is_the_code_of_the_text() -> None:
    scenes = [scene(Random(seed), START) for seed in range(2000)]
    codes = [s for s in scenes if re.fullmatch(r"\d{6}", s.reply)]
    assert codes
    assert [s for s in codes if s.reply not in s.text] == []


def test_customers_come_back_and_always_talk_to_the_same_number() -> None:
    scenes = [scene(Random(seed), START, "volt") for seed in range(400)]
    pairs = Counter((s.customer.phone, s.business) for s in scenes)
    assert len(pairs) == len({phone for phone, _ in pairs}) == len(AMERICANS)
    assert min(pairs.values()) > 5
    assert {business for _, business in pairs} == set(AMERICAN_BUSINESSES)


@pytest.mark.parametrize(
    ("provider", "prefixes"),
    [("volt", {"+1"}), ("bird", {"+44", "+61"}), ("connectly", {"+1", "+44", "+61"}), (None, {"+1", "+44", "+61"})],
)
def test_a_provider_has_the_numbers_of_its_part_of_the_world(provider: str | None, prefixes: set[str]) -> None:
    scenes = [scene(Random(seed), START, provider) for seed in range(300)]
    numbers = [s.customer.phone for s in scenes] + [s.business for s in scenes]
    assert {next(p for p in ("+1", "+44", "+61") if n.startswith(p)) for n in numbers} == prefixes


def test_most_texts_are_english() -> None:
    english = {e.text[:12] for e in EXCHANGES if e.language == DEFAULT_LANGUAGE}
    assert len(english) > len(EXCHANGES) / 2
