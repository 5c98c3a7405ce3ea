"""A form: a line for each field, and below them help, completion and what is wrong with the one in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from monitor.admin.base import Field
from monitor.text import visible
from monitor.ui.lines import Part
from monitor.ui.safety import Plain, bare

SHOWN: Final = 12  # choices
LABEL: Final = 15  # cells
MAX_TEXT: Final = 4_000


class Chooser(Plain, can_focus=True):
    """Takes one of a few choices, by arrows or by first letter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,down,space", "step(1)", show=False),
        Binding("left,up", "step(-1)", show=False),
        Binding("enter", "submit", show=False),
    ]

    class Changed(Message):
        """Another choice was taken."""

    class Submitted(Message):
        """The user is done."""

    def __init__(self, choices: Sequence[str], value: str, empty: str) -> None:
        """``empty`` is shown while nothing is chosen."""
        super().__init__(classes="chooser")
        self._empty = empty
        self.choices = tuple(choices)
        self.value = value

    def on_mount(self) -> None:
        self.put(self.value)

    def put(self, value: str) -> None:
        """Take a choice."""
        changed, self.value = value != self.value, value
        said = visible(value, limit=100) or self._empty
        self.update(bare(("‹ ", "accent"), (said, "plain" if value else "quiet"), (" ›", "accent")))
        if changed:
            self.post_message(self.Changed())

    def action_step(self, by: int) -> None:
        """The next choice, or the one before."""
        if self.choices:
            at = self.choices.index(self.value) + by if self.value in self.choices else 0
            self.put(self.choices[at % len(self.choices)])

    def action_submit(self) -> None:
        """Done."""
        self.post_message(self.Submitted())

    def on_key(self, event: events.Key) -> None:
        """To the next choice that begins with a letter."""
        if event.character is None or not event.character.isalnum():
            return
        event.stop()
        at = self.choices.index(self.value) + 1 if self.value in self.choices else 0
        around = [*self.choices[at:], *self.choices[:at]]
        found = next((choice for choice in around if choice.casefold().startswith(event.character.casefold())), None)
        if found is not None:
            self.put(found)


class FieldRow(Horizontal):
    """One field: its label and what is typed or chosen."""

    def __init__(self, field: Field, text: str, *, hidden: bool) -> None:
        super().__init__()
        self.field = field
        self._text = text
        self._hidden = hidden

    def compose(self) -> ComposeResult:
        """Sign, label, input."""
        yield Plain("", classes="sign")
        yield Plain(self.field.label, classes="label")
        if self.field.choices and not self.field.free and not self.field.many:
            yield Chooser(self.field.choices, self._text, "choose" if self.field.required else "not set")
        else:
            yield Input(
                self._text, compact=True, select_on_focus=False, password=self._hidden, max_length=MAX_TEXT,
                placeholder=self.field.empty or ("required" if self.field.required else "optional"),
            )  # fmt: skip

    @property
    def box(self) -> Input | Chooser:
        """What is typed into, or chosen from."""
        found = self.query(Input)
        return found.first() if found else self.query_one(Chooser)

    @property
    def text(self) -> str:
        """What was typed or chosen."""
        return self.box.value.strip() if self.is_mounted else self._text

    def put(self, text: str) -> None:
        """Fill in something else."""
        box = self.box
        if isinstance(box, Chooser):
            box.put(text)
        else:
            box.value = text
            box.cursor_position = len(text)

    def use(self, field: Field) -> None:
        """The field has other choices or another help now."""
        self.field = field
        box = self.box
        if isinstance(box, Chooser):
            box.choices = field.choices

    def choices(self) -> list[str]:
        """The choices for what is typed; those that begin with it first, all of them where it is one already."""
        typed = self.typed().casefold()
        offered = list(self.field.choices)
        if self.field.many:
            taken = {item.strip() for item in self.box.value.split(",")[:-1]}
            offered = [choice for choice in offered if choice not in taken]
        if typed in (choice.casefold() for choice in offered):
            return offered
        return [choice for choice in offered if choice.casefold().startswith(typed)] or [
            choice for choice in offered if typed in choice.casefold()
        ]

    def step(self, by: int) -> None:
        """Take the next choice, or the one before."""
        offered, typed = self.choices(), self.typed()
        if offered:
            at = offered.index(typed) + by if typed in offered else 0 if by > 0 else -1
            before = self.box.value.rpartition(",")[0] if self.field.many else ""
            self.put((before.rstrip() + ", " if before else "") + offered[at % len(offered)])

    def typed(self) -> str:
        """What is being typed: of several the last."""
        return self.box.value.rpartition(",")[2].strip() if self.field.many else self.box.value.strip()


class Form(Vertical):
    """Fields that are filled in; ``set_fields`` may change them while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "choose(1)", show=False),
        Binding("up", "choose(-1)", show=False),
    ]

    class Changed(Message):
        """Something was typed."""

    class Submitted(Message):
        """The user is done."""

    def __init__(self, fields: Sequence[Field], values: Mapping[str, str], *, secrets: frozenset[str]) -> None:
        """``secrets`` are the names of the fields whose text is not shown."""
        super().__init__()
        self._fields = tuple(fields)
        self._values = dict(values)
        self._secrets = secrets
        self._problems: Mapping[str, str] = {}
        self._asked = False  # whether the user wanted to be done, so that what is missing is wrong, too

    def compose(self) -> ComposeResult:
        """The fields, then help."""
        with Vertical(id="fields"):
            yield from self._rows()
        yield Plain(id="form-help")
        yield Plain(id="form-choices")

    def _rows(self) -> list[FieldRow]:
        return [
            FieldRow(field, self._values.get(field.name, field.default), hidden=field.name in self._secrets)
            for field in self._fields
        ]

    @property
    def rows(self) -> list[FieldRow]:
        """The fields as they are."""
        return list(self.query(FieldRow))

    def values(self) -> dict[str, str]:
        """What is filled in, by the field's name."""
        return {row.field.name: row.text for row in self.rows}

    async def set_fields(self, fields: Sequence[Field], secrets: frozenset[str] | None = None) -> None:
        """Ask for these fields from now on; what was filled in for those that stay, stays."""
        self._values |= self.values()
        secrets = self._secrets if secrets is None else secrets
        same = [field.name for field in fields] == [row.field.name for row in self.rows] and secrets == self._secrets
        self._fields, self._secrets = tuple(fields), secrets
        if same:
            for row, field in zip(self.rows, fields, strict=True):
                row.use(field)
        else:
            before = self.current
            box = self.query_one("#fields", Vertical)
            await box.remove_children()
            await box.mount(*self._rows())
            self.focus_field(before.field.name if before is not None else "")
        self._help()

    @property
    def current(self) -> FieldRow | None:
        """The field in use."""
        return next((row for row in self.rows if row.has_focus_within), None)

    def focus_field(self, name: str) -> None:
        """Go to a field, or to the first."""
        rows = self.rows
        row = next((row for row in rows if row.field.name == name), rows[0] if rows else None)
        if row is not None:
            row.box.focus()

    def focus_problem(self) -> None:
        """Go to the first field that is wrong, and say what is."""
        name = next((row.field.name for row in self.rows if row.field.name in self._problems), None)
        self._asked = True
        self.wrong(self._problems)
        if name is not None:
            self.focus_field(name)

    def wrong(self, problems: Mapping[str, str]) -> None:
        """What is wrong, by the field's name."""
        self._problems = problems
        for row in self.rows:
            bad = row.field.name in problems and (self._asked or bool(row.text))
            row.query_one(".sign", Plain).show_parts((("✖" if bad else " ", "bad"),))
        self._help()

    def _help(self) -> None:
        if not self.display:  # its box is being closed, and what is in the form goes before the form
            return
        row = self.current
        help_, choices = self.query_one("#form-help", Plain), self.query_one("#form-choices", Plain)
        if row is None:
            help_.show_parts(())
            choices.show_parts(())
            return
        problem = self._problems.get(row.field.name)
        said = problem if problem is not None and (self._asked or row.text) else row.field.help
        help_.show_parts(((visible(said, limit=400), "bad" if said is problem else "quiet"),))
        parts: list[Part] = []
        offered = row.choices()
        for choice in offered[:SHOWN]:
            here = choice == row.typed()
            parts += [(visible(choice, limit=60), "accent" if here else "info"), ("  ", "plain")]
        if len(offered) > 1 or (offered and offered[0] != row.typed()):
            parts.append((f"… {len(offered) - SHOWN} more  " if len(offered) > SHOWN else "", "faint"))
            parts.append(("↑↓", "accent"))
        choices.show_parts(tuple(parts))

    def action_choose(self, by: int) -> None:
        """Take the next choice of the field in use; where it has none, go to the next field."""
        row = self.current
        if row is not None and row.field.choices:
            row.step(by)
        elif by > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Another field is in use."""
        self.call_after_refresh(self._help)

    @on(Input.Changed)
    @on(Chooser.Changed)
    def _changed(self, event: Message) -> None:
        event.stop()
        self._help()
        self.post_message(self.Changed())

    @on(Input.Submitted)
    @on(Chooser.Submitted)
    def _submitted(self, event: Message) -> None:
        event.stop()
        self.post_message(self.Submitted())
