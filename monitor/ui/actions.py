"""The one table of actions: bindings, footer, palette and help are all made from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from textual.binding import Binding, BindingType
from textual.keys import _character_to_key, key_to_character

# Where an action can be used, in the order of the help overlay. The keys of one context never collide.
CONTEXTS: Final = {
    "everywhere": "Everywhere",
    "live": "Live view",
    "list": "In the list",
    "detail": "In the detail pane",
    "messages": "Messages view",
    "webhooks": "Webhooks view",
    "filtered": "In this view",
    "rows": "In lists",
    "pane": "In the pane beside or over the list",
    "filter": "While a filter is typed",
    "find": "While the text to find is typed",
}
TYPED: Final = ("filter", "find")  # contexts in which letters are typed: the keys of "everywhere" are not in use there

# Contexts that are in use at the same time: no key may mean two things among them.
TOGETHER: Final = (
    ("everywhere", "live", "list"),
    ("everywhere", "detail"),
    ("everywhere", "messages", "filtered", "rows", "pane"),
    ("everywhere", "webhooks", "rows", "pane"),
    ("filter",),
    ("find",),
)


@dataclass(frozen=True, slots=True)
class Action:
    """Something the user can do.

    ``keys`` are Textual's key names, the first is the one shown. ``label`` is the word in the footer, ``help`` the
    sentence in help and palette. ``footer`` puts it into the footer, ``palette`` into the command palette. ``changes``
    marks what can change something outside the screen: read-only takes it away.
    """

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    context: str
    footer: bool = False
    palette: bool = True
    changes: bool = False

    @property
    def binding(self) -> str:
        """The id of its bindings."""
        return f"{self.context}.{self.id}"


ACTIONS: Final = (
    # everywhere
    Action("copy", ("y",), "copy", "Copy the message or the capture: key, JSON, text, body, headers, a curl line",
           "everywhere", footer=True),
    Action("message", ("m",), "message", "Go to the message that this is about", "everywhere", footer=True),
    Action("conversation", ("c",), "conversation", "Go to the conversation that this belongs to", "everywhere"),
    Action("view_live", ("1",), "live", "View 1: captures as they come", "everywhere"),
    Action("view_messages", ("2",), "messages", "View 2: messages, and what became of them", "everywhere"),
    Action("view_conversations", ("3",), "conversations", "View 3: conversations, and what was said", "everywhere"),
    Action("view_webhooks", ("4",), "webhooks", "View 4: webhooks at the providers, and what mends them", "everywhere"),
    Action("figures", ("S",), "figures", "Figures for the filter: rate, mixes, times, reasons of failures",
           "everywhere"),
    Action("export", ("E",), "export", "Write captures into a file: JSONL, HAR, curl, CSV or a bundle; masked if asked",
           "everywhere"),
    Action("import_file", ("I",), "import", "Import the captures of a file: JSONL, HAR, a bundle or a database",
           "everywhere", changes=True),
    Action("backup", ("B",), "backup", "Copy the database into a file", "everywhere"),
    Action("prune", ("P",), "prune", "Delete old captures, with a backup before if wanted", "everywhere", changes=True),
    Action("rejudge", ("V",), "judge anew", "Judge all captures anew with the keys of today, then work out messages",
           "everywhere", changes=True),
    Action("coverage", ("C",), "coverage", "Kinds of events that have come or not, and new fields in them",
           "everywhere"),
    Action("alerts", ("exclamation_mark",), "alerts", "Alerts: what is watched for, and what was told",
           "everywhere"),
    Action("times", ("T",), "times", "Times: time of day, or how long ago", "everywhere"),
    Action("mask", ("x",), "mask", "Hide numbers, names and texts, for sharing the screen", "everywhere"),
    Action("wider", ("greater_than_sign",), "wider", "More room for what stands beside the list", "everywhere"),
    Action("narrower", ("less_than_sign",), "narrower", "Less room for what stands beside the list", "everywhere"),
    Action("theme", ("t",), "theme", "Choose a theme", "everywhere"),
    Action("help", ("question_mark", "f1"), "help", "All keys of this screen", "everywhere", footer=True),
    Action("command_palette", ("ctrl+p",), "palette", "Find any action by its name", "everywhere", palette=False),
    Action("leave", ("q",), "quit", "Back; from the first screen: quit", "everywhere", footer=True),
    Action("quit", ("ctrl+q",), "quit", "Quit from anywhere", "everywhere"),
    # the live view
    Action("filter", ("slash",), "filter", "Filter the list, with completion", "live", footer=True),
    Action("clear", ("escape",), "clear", "Leave the filter and show every capture", "live", palette=False),
    Action("follow", ("f",), "follow", "Follow the newest capture, or stop following", "live"),
    Action("freeze", ("space",), "pause", "Let the list stand still; captures go on being received and stored", "live",
           footer=True),
    Action("next_match", ("n",), "next", "Next capture that passes the filter", "live", palette=False),
    Action("previous_match", ("N",), "previous", "Previous capture that passes the filter", "live", palette=False),
    Action("send", ("s",), "send", "Send simulated events, signed with a local key", "live", changes=True),
    Action("replay", ("r",), "replay", "Send captures again: as they came, edited or signed anew", "live", footer=True,
           changes=True),
    Action("compare", ("d",), "compare", "Mark the capture, then compare another with it", "live"),
    Action("mark", ("v",), "mark", "Mark the capture for a replay, or no longer; esc unmarks all", "live"),
    Action("drill", ("R",), "answers", "Answer something else for a while, to see how a provider retries", "live",
           changes=True),
    Action("forward", ("F",), "forward", "Pass captures on to your app, or stop doing so", "live", changes=True),
    # the list
    Action("open", ("enter",), "open", "Open the capture", "list", footer=True, palette=False),
    Action("up", ("k", "up"), "up", "One row up; leaves the newest", "list", palette=False),
    Action("down", ("j", "down"), "down", "One row down", "list", palette=False),
    Action("top", ("g", "home"), "top", "To the oldest capture", "list", palette=False),
    Action("bottom", ("G", "end"), "newest", "To the newest capture, and follow it", "list", palette=False),
    Action("half_up", ("ctrl+u",), "½ up", "Half a page up", "list", palette=False),
    Action("half_down", ("ctrl+d",), "½ down", "Half a page down", "list", palette=False),
    Action("page_up", ("pageup",), "page up", "A page up", "list", palette=False),
    Action("page_down", ("pagedown",), "page down", "A page down", "list", palette=False),
    # the detail pane
    Action("previous_tab", ("left", "h", "left_square_bracket"), "tab", "Previous tab", "detail", palette=False),
    Action("next_tab", ("right", "l", "right_square_bracket"), "tab", "Next tab", "detail", footer=True,
           palette=False),
    Action("find", ("slash",), "find", "Find text in this tab", "detail", footer=True, palette=False),
    Action("find_next", ("n",), "next", "Next match", "detail", palette=False),
    Action("find_previous", ("N",), "previous", "Previous match", "detail", palette=False),
    Action("fold", ("enter",), "fold", "Fold or unfold the JSON under the cursor", "detail", footer=True,
           palette=False),
    Action("fold_all", ("z",), "fold all", "Fold or unfold all of the JSON", "detail", palette=False),
    Action("raw", ("b",), "raw", "The body as it came, or pretty-printed", "detail", footer=True, palette=False),
    Action("replay", ("r",), "replay", "Send the capture again: as it came, edited or signed anew", "detail",
           palette=False, changes=True),
    Action("compare", ("d",), "compare", "Mark the capture, then compare another with it", "detail", palette=False),
    Action("wrap", ("w",), "wrap", "Wrap long lines, or cut them at the edge", "detail", palette=False),
    Action("aside_right", ("shift+right",), "aside", "To the rest of lines that are not wrapped", "detail",
           palette=False),
    Action("aside_left", ("shift+left",), "aside", "Back to the beginning of lines that are not wrapped", "detail",
           palette=False),
    Action("newer", ("J",), "newer", "The next capture, without leaving the pane", "detail", palette=False),
    Action("older", ("K",), "older", "The previous capture, without leaving the pane", "detail", palette=False),
    Action("cursor_up", ("k", "up"), "up", "One line up", "detail", palette=False),
    Action("cursor_down", ("j", "down"), "down", "One line down", "detail", palette=False),
    Action("to_top", ("g", "home"), "top", "To the first line", "detail", palette=False),
    Action("to_bottom", ("G", "end"), "bottom", "To the last line", "detail", palette=False),
    Action("half_up", ("ctrl+u",), "½ up", "Half a page up", "detail", palette=False),
    Action("half_down", ("ctrl+d",), "½ down", "Half a page down", "detail", palette=False),
    Action("page_up", ("pageup",), "page up", "A page up", "detail", palette=False),
    Action("page_down", ("pagedown",), "page down", "A page down", "detail", palette=False),
    Action("back", ("escape",), "back", "Back to the list", "detail", footer=True, palette=False),
    # the views of messages and conversations
    Action("order", ("o",), "order", "Order: newest, slowest, stuck, failed first", "messages", footer=True),
    Action("failures", ("e",), "failures", "Failures by code and carrier; enter shows the messages of one", "messages",
           footer=True),
    Action("replay", ("r",), "replay", "Send the captures of the message again: as they came, edited or signed anew",
           "messages", changes=True),
    Action("filter", ("slash",), "filter", "Filter the list, with completion", "filtered", footer=True),
    Action("clear", ("escape",), "back", "Back to where you came from; else leave the filter", "filtered",
           palette=False),
    Action("freeze", ("space",), "pause", "Let the screens stand still; captures go on being received and stored",
           "filtered"),
    Action("open", ("enter",), "open", "Open what the cursor stands on", "rows", footer=True, palette=False),
    Action("up", ("k", "up"), "up", "One up", "rows", palette=False),
    Action("down", ("j", "down"), "down", "One down", "rows", palette=False),
    Action("top", ("g", "home"), "top", "To the first", "rows", palette=False),
    Action("bottom", ("G", "end"), "bottom", "To the last", "rows", palette=False),
    Action("half_up", ("ctrl+u",), "½ up", "Half a page up", "rows", palette=False),
    Action("half_down", ("ctrl+d",), "½ down", "Half a page down", "rows", palette=False),
    Action("page_up", ("pageup",), "page up", "A page up", "rows", palette=False),
    Action("page_down", ("pagedown",), "page down", "A page down", "rows", palette=False),
    Action("next_entry", ("J",), "next", "The next entry of the list, without leaving the pane", "pane",
           palette=False),
    Action("previous_entry", ("K",), "previous", "The previous entry of the list, without leaving the pane", "pane",
           palette=False),
    Action("back", ("escape",), "back", "Back to the list, or to where you came from", "pane", footer=True,
           palette=False),
    # the view of webhooks
    Action("register", ("a",), "add", "Register a webhook", "webhooks", footer=True, changes=True),
    Action("mend", ("u",), "mend", "Mend this registration: the one change that its row names", "webhooks", footer=True,
           changes=True),
    Action("mend_all", ("U",), "mend all", "Mend everything of yours, such as to re-point all to a new public URL",
           "webhooks", footer=True, changes=True),
    Action("switch", ("d",), "on/off", "Deactivate this registration, or activate it", "webhooks", changes=True),
    Action("edit", ("e",), "edit", "Change the settings of this registration", "webhooks", changes=True),
    Action("remove", ("D", "delete"), "remove", "Remove this registration, and want it no longer", "webhooks",
           changes=True),
    Action("restore", ("R",), "put back", "Put back what was replaced or removed", "webhooks", changes=True),
    Action("look", ("r",), "refresh", "Ask the providers again what they have", "webhooks"),
    Action("rehearse", ("w",), "way", "Try the way from the public URL to this receiver, hop by hop", "webhooks"),
    Action("api_log", ("L",), "log", "Every call to the providers, with request, answer and time", "webhooks"),
    Action("public_url", ("p",), "public URL", "Change the public URL", "webhooks", changes=True),
    Action("account", ("A",), "account", "Add an account with a provider", "webhooks", changes=True),
    Action("change_account", ("s",), "settings", "Change this account: its credentials and settings", "webhooks",
           changes=True),
    Action("clear", ("escape",), "back", "Back to where you came from", "webhooks", palette=False),
    # the filter bar
    Action("complete", ("tab",), "complete", "Take the first completion", "filter", footer=True, palette=False),
    Action("earlier", ("up",), "earlier", "The filter used before", "filter", footer=True, palette=False),
    Action("later", ("down",), "later", "The filter used after", "filter", palette=False),
    Action("keep", ("enter",), "keep", "Keep the filter and go back to the list", "filter", footer=True,
           palette=False),
    Action("give_up", ("escape",), "clear", "No filter", "filter", footer=True, palette=False),
    # the line that asks what to find
    Action("keep", ("enter",), "keep", "Keep the matches and go back to the tab", "find", footer=True, palette=False),
    Action("give_up", ("escape",), "clear", "Find nothing any more", "find", footer=True, palette=False),
)  # fmt: skip

KEY_NAMES: Final = {
    "question_mark": "?", "slash": "/", "escape": "esc", "left_square_bracket": "[", "right_square_bracket": "]",
    "plus": "+", "minus": "-", "pageup": "pgup", "pagedown": "pgdn", "up": "↑", "down": "↓", "left": "←", "right": "→",
}  # fmt: skip
# Textual cannot say the character of some keys: @ and _, and those whose Unicode name has a dash.
_LATIN: Final = {_character_to_key(character): character for character in map(chr, range(0x21, 0x100))}


def key_name(key: str) -> str:
    """A key as it is written for people."""
    if key.startswith("ctrl+"):
        return "^" + key[5:]
    if key.startswith("shift+"):
        return "⇧" + KEY_NAMES.get(key[6:], key[6:])
    if key in KEY_NAMES:
        return KEY_NAMES[key]
    character = _LATIN.get(key) or key_to_character(key) or ""
    return character if character.isprintable() and character.strip() else key


def of(context: str, actions: Sequence[Action] = ACTIONS) -> Iterator[Action]:
    """The actions of a context, in the order of the table."""
    return (action for action in actions if action.context == context)


def bindings(context: str, ids: Sequence[str] = ()) -> list[BindingType]:
    """The bindings of a context, or of these actions of it, for the screen or widget that it belongs to."""
    # Quitting must also work while a text is typed, and the keys of the bar around an input go over the input's own.
    return [
        Binding(
            ",".join(action.keys),
            action.id,
            action.label,
            show=False,
            id=action.binding,
            priority=action.id == "quit" or action.context == "filter",
        )
        for action in of(context)
        if not ids or action.id in ids
    ]
