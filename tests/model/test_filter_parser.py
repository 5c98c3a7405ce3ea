"""The grammar of filters, and what is said of those that break it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.jsonbody import clean
from monitor.model.filter import Filter, FilterError, parse, quote
from monitor.model.filter.conditions import Choice, How, Range, Text, pattern, pieces
from monitor.model.filter.fields import ANYWHERE, FIELDS, Field
from monitor.model.filter.nodes import And, Node, Not, Or, Term
from monitor.model.filter.parser import MAX_DEPTH, MAX_LENGTH, MAX_TERMS
from tests.corpora import corpora


def field(name: str) -> Field:
    return FIELDS[name]


def word(text: str) -> Term:
    return Term(ANYWHERE, "", Text(How.LIKE, f"*{text}*"))


A, B, C, D = (word(letter) for letter in "abcd")


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("", And(())),
        (" \t\n", And(())),
        ("a", A),
        ("a b", And((A, B))),
        ("a and b", And((A, B))),
        ("a or b", Or((A, B))),
        ("a OR b", Or((A, B))),
        ("a b or c d", Or((And((A, B)), And((C, D))))),
        ("a (b or c) d", And((A, Or((B, C)), D))),
        ("((a))", A),
        ("-a", Not(A)),
        ("not a", Not(A)),
        ("NOT a b", And((Not(A), B))),
        ("--a", Not(Not(A))),
        ("-(a b)", Not(And((A, B)))),
        ("(a)(b)", And((A, B))),
        ('"or"', word("or")),
        ('"a b"', word("a b")),
        ("a-b", word("a-b")),
        ("f(x)", word("f(x)")),
        ('5"', word('5"')),
    ],
)
def test_tree(text: str, node: Node) -> None:
    assert parse(text).node == node


def test_empty_filter() -> None:
    assert parse("").is_empty
    assert parse("  ").is_empty
    assert not parse("a").is_empty
    assert parse(" a ").text == " a "


def like(name: str, value: str) -> Term:
    return Term(field(name), "", Text(How.LIKE, value))


def phone(name: str, value: str) -> Term:
    return Term(field(name), "", Text(How.PHONE, value))


SECOND = 10**6
DAY_START = 1_769_817_600 * SECOND  # 2026-01-31 in UTC
HALF_SECOND = DAY_START + 500_000
DAY = 86_400 * SECOND


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("provider:Volt", Term(field("provider"), "", Choice(("volt",)))),
        ("provider:v*", like("provider", "v*")),
        ("PROVIDER:volt", Term(field("provider"), "", Choice(("volt",)))),
        ("verdict:invalid", Term(field("verdict"), "", Choice(("invalid",)))),
        ("verdict=No_Key", Term(field("verdict"), "", Choice(("no_key",)))),
        ("verdict:un*", Term(field("verdict"), "", Choice(("unsigned", "unchecked")))),
        ("status:~^(sent|read)$", Term(field("status"), "", Choice(("sent", "read")))),
        ("direction:in", Term(field("direction"), "", Choice(("inbound",)))),
        ("direction:OUT", Term(field("direction"), "", Choice(("outbound",)))),
        ("event:message.finalized", like("event", "message.finalized")),
        ("mark:new_field:payload.x", like("mark", "new_field:payload.x")),
        ('text:"spam filter"', like("text", "*spam filter*")),
        ("text=spam", like("text", "spam")),
        ("text:spam*", like("text", "spam*")),
        (r"text:2\*3", like("text", r"*2\*3*")),
        (r'text:"say \"hi\" \\o/"', like("text", r'*say "hi" \\o/*')),
        ("text:~sp.m", Term(field("text"), "", Text(How.REGEX, "sp.m"))),
        (r'text:~"a\"b c"', Term(field("text"), "", Text(How.REGEX, r"a\"b c"))),
        ("text:~(a|b)c", Term(field("text"), "", Text(How.REGEX, "(a|b)c"))),
        (r"(text:~\()", Term(field("text"), "", Text(How.REGEX, r"\("))),
        ("~re", Term(ANYWHERE, "", Text(How.REGEX, "re"))),
        ("header.User-Agent:~resty", Term(field("header"), "User-Agent", Text(How.REGEX, "resty"))),
        ("body.a.0.b:x", Term(field("body"), "a.0.b", Text(How.LIKE, "x"))),
        ("body.n>1", Term(field("body"), "n", Text(How.MORE, "1"))),
        ("body.n:>=-1.5e3", Term(field("body"), "n", Text(How.AT_LEAST, "-1.5e3"))),
        ("body.n=1", Term(field("body"), "n", Text(How.EQUAL, "1"))),
        ("body.n=x", Term(field("body"), "n", Text(How.LIKE, "x"))),
        ("size>10k", Term(field("size"), "", Range(10_241, None))),
        ("size:>10k", Term(field("size"), "", Range(10_241, None))),
        ("size<=1.5M", Term(field("size"), "", Range(None, 1_572_864))),
        ("size:0", Term(field("size"), "", Range(0, 0))),
        ("size=2kib", Term(field("size"), "", Range(2048, 2048))),
        ("id<3", Term(field("id"), "", Range(None, 2))),
        ("answer:*", Term(field("answer"), "", Range())),
        ("latency:*", Term(field("latency"), "", Range(0))),
        ("latency<500ms", Term(field("latency"), "", Range(0, 499_999))),
        ("latency>1m30s", Term(field("latency"), "", Range(90 * SECOND + 1, None))),
        ("age<2h", Term(field("age"), "", Range(None, 7200 * SECOND - 1, age=True))),
        ("age<1w10min", Term(field("age"), "", Range(None, 605_400 * SECOND - 1, age=True))),
        ("age>=1.5d", Term(field("age"), "", Range(DAY * 3 // 2, None, age=True))),
        ("received:2026-01-31", Term(field("received"), "", Range(DAY_START, DAY_START + DAY - 1))),
        ("received>2026-01-31", Term(field("received"), "", Range(DAY_START + DAY, None))),
        ("received<2026-01-31T00:00:01", Term(field("received"), "", Range(None, DAY_START + SECOND - 1))),
        ("received:2026-01-31t00:00z", Term(field("received"), "", Range(DAY_START, DAY_START + 60 * SECOND - 1))),
        ("received>=2026-01-31T01+01:00", Term(field("received"), "", Range(DAY_START, None))),
        ('received="2026-01-31 00:00:00.5"', Term(field("received"), "", Range(HALF_SECOND, HALF_SECOND))),
        ("from:a@example.com", like("from", "a@example.com")),
        ("from:+15555550123", Or((like("from", "+15555550123"), phone("from", "15555550123")))),
        ('to:"+1 (555) 555-0123"', Or((like("to", "+1 (555) 555-0123"), phone("to", "15555550123")))),
        ("to:555-0123", Or((like("to", "555-0123"), phone("to", "*5550123")))),
        ('to:"07700 900123"', Or((like("to", "07700 900123"), phone("to", "*7700900123")))),
        ("from:+1555*", Or((like("from", "+1555*"), phone("from", "1555*")))),
        ("from:*0123", Or((like("from", "*0123"), phone("from", "*0123")))),
        ("from:*", like("from", "*")),
        ("from:1234", like("from", "1234")),
        ("555.0123", Or((word("555.0123"), phone("party", "*5550123*")))),
        ("00012", word("00012")),
    ],
)  # fmt: skip
def test_terms(text: str, node: Node) -> None:
    assert parse(text).node == node


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("provdr:volt", 0, "Did you mean provider?"),
        ("a zzzz:1", 2, "There is no field zzzz. Put it in quotes to search for the words."),
        ("size.x>1", 0, "There is no field size.x."),
        ("verdict:invlid", 8, "Did you mean invalid?"),
        ("status:xyz", 7, "It is one of received, queued, sent, delivered, read, failed, other."),
        ("status:unknown", 7, "-status:* finds those."),
        ("direction:i*x", 10, "direction is never i*x."),
        ("direction:inbond", 10, "Did you mean inbound?"),
        ("source:net", 7, "Did you mean network?"),
        ('text:"spam', 5, "This quote is not closed."),
        ('"a"b', 3, "Something follows the closing quote."),
        ("(a or b", 0, "This parenthesis is not closed."),
        ("a)", 1, "This parenthesis closes nothing."),
        (")", 0, "No term stands before this parenthesis."),
        ("()", 0, "No term follows this parenthesis."),
        ("a or", 2, "No term follows or."),
        ("a or or b", 2, "No term follows or."),
        ("or a", 0, "No term stands before or."),
        ("a not", 2, "No term follows not."),
        ("-(not)", 2, "No term follows not."),
        ("a -", 2, "Nothing follows the minus sign."),
        ("a - b", 2, "Nothing follows the minus sign."),
        ("provider:", 9, "provider: has no value."),
        ("size> 10k", 5, "size> has no value."),
        ("size >10k", 5, "No field stands before >."),
        ("text:(a or b)", 5, "This parenthesis is not closed in its word."),
        ("text>5", 0, "text cannot be compared with >."),
        ("provider<x", 0, "provider cannot be compared with <."),
        ("size:~1", 0, "size is not a text."),
        ("size>big", 5, "big is not a size. Write a size, such as 500, 10k or 1M."),
        ("size>9999999999999g", 5, "9999999999999g is too large."),
        ("id:1.5", 3, "1.5 is not a whole number."),
        ("id:-1", 3, "-1 is not a whole number."),
        ("id:1*", 3, "1* is not a whole number."),
        ("latency>5", 8, "5 is not a duration."),
        ('age<""', 5, "is not a duration."),
        ("latency>5s2", 8, "5s2 is not a duration."),
        ("age:2h", 0, "age needs a comparison. Write age<2h or age>2h."),
        ("received:2026-02-30", 9, "2026-02-30 is not a time."),
        ("received>20260131", 9, "20260131 is not a time."),
        ("status:sent -mark:Stuck", 18, "stuck cannot be asked for: it comes with time"),
        ("mark:stuck", 5, "hooktop messages --sort stuck, lists"),
        ("body:x", 0, "body needs a name behind a dot."),
        ("header.:x", 0, "header needs a name behind a dot."),
        ("body.n>x", 7, "> needs a number here. Such as body.n>10."),
        ("text:~a(b", 7, "This parenthesis is not closed in its word."),
        ('text:~"a[b"', 10, "This regular expression cannot be used"),
        ("text:~a{99999}", 7, "come to more than 10,000"),
        ("text:~((a{200}){200})", 9, "come to more than 10,000"),
        ("text:~" + "a" * 501, 506, "longer than 500 characters"),
        ("(" * 40 + "a" + ")" * 40, MAX_DEPTH + 1, "nested too deep"),
        ("-" * 4000 + "a", MAX_DEPTH + 1, "nested too deep"),
        ("a " * 200, 2 * MAX_TERMS, "too many terms"),
        ("a" * 6000, MAX_LENGTH, "too long"),
    ],
)  # fmt: skip
def test_errors(text: str, column: int, says: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    error = caught.value
    assert says in f"{error.message} {error.hint}"
    assert error.column == column
    assert str(error) == error.message


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("status:faild", "status:faild\n       ^"),
        ("漢字 x:1", "漢字 x:1\n     ^"),
        ("e\u0301 x:1", "e\u0301 x:1\n  ^"),
        ("\x1b[31m x:1", "␛[31m x:1\n      ^"),
    ],
)
def test_carets_stand_under_the_column_as_it_is_shown(text: str, lines: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert caught.value.carets() == lines


def parsed(text: str) -> Filter | None:
    """The filter, or None when there is an error, which must be one that can be shown."""
    try:
        return parse(text)
    except FilterError as caught:
        error = caught
    assert 0 <= error.column <= len(text)
    assert error.carets().count("\n") == 1
    assert error.message.endswith(".")
    return None


GRAMMAR = st.lists(
    st.sampled_from(
        ["or", "not", "and", "(", ")", "-", " ", '"', "\\", "*", "~", ":", ">", "<", "=", "a", "5550123", "2h", "10k"]
        + [f"{name}:" for name in FIELDS]
        + ["body.a", "header.x", "2026-01-31", "\0", "\ud800", "é", "{", "[", "?", ".", "|"]
    ),
    max_size=12,
).map("".join)


@given(st.one_of(st.text(), GRAMMAR))
@example("\ud800")
def test_any_text_is_a_filter_or_an_error(text: str) -> None:
    parsed(text)


def test_naughty_strings_are_filters_or_errors() -> None:
    naughty = json.loads((corpora() / "naughty-strings" / "blns.json").read_text("utf-8"))
    assert len(naughty) == 515
    for text in naughty:
        parsed(text)
        parsed(f"text:{text}")
        parsed(f"text:~{text}")
        assert parsed(f"text:{quote(text)}") is not None


@pytest.mark.parametrize("written", [lambda text: f"text={quote(text)}", lambda text: f"a (text={quote(text)})"])
@given(text=st.text())
def test_a_quoted_text_stands_for_itself(written: Callable[[str], str], text: str) -> None:
    filter = parsed(written(text))
    assert filter is not None
    node = filter.node.nodes[1] if isinstance(filter.node, And) else filter.node
    assert node == Term(field("text"), "", Text(How.LIKE, pattern([clean(text)])))


@given(st.lists(st.text(), min_size=1))
def test_pieces_reverse_pattern(literals: list[str]) -> None:
    assert pieces(pattern(literals)) == literals
