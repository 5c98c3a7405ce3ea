"""The filter language: one for the screens, the commands and the alerts.

    provider:volt -status:delivered (from:+1555* or text:"spam filter") size>10k age<2h

Terms are ANDed; ``or``, ``not`` or ``-``, and parentheses do what they say. ``field:value`` compares ignoring case
and ``*`` in the value stands for any characters; ``field:~expression`` is a regular expression; ``<``, ``<=``, ``>``,
``>=`` and ``=`` compare numbers, sizes, durations and times. A bare word is sought in text, parties and ids. Quotes
hold blanks together; a backslash takes the meaning of ``*``, ``"``, ``(``, ``)`` and itself away.

``parse`` gives a ``Filter``, which is a predicate over captures; the store makes SQL of the same tree.
"""

from monitor.model.filter.complete import Completion, complete
from monitor.model.filter.errors import FilterError
from monitor.model.filter.lexer import quote
from monitor.model.filter.parser import parse
from monitor.model.filter.predicate import Filter, check_arriving

__all__ = ["Completion", "Filter", "FilterError", "check_arriving", "complete", "parse", "quote"]
