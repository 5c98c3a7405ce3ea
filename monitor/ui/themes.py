"""The looks: two themes of our own, those of Textual, and the colours that our roles are made of."""

from __future__ import annotations

from typing import Final

from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

DEFAULT: Final = "hooktop-dark"

OWN: Final = (
    Theme(
        name="hooktop-dark",
        primary="#6cb2eb",
        secondary="#8fa7c4",
        accent="#e8b86d",
        warning="#e8b86d",
        error="#f0717a",
        success="#86c98a",
        foreground="#d6dde6",
        background="#11151b",
        surface="#161b22",
        panel="#1f2630",
        dark=True,
    ),
    Theme(
        name="hooktop-light",
        primary="#1c64a8",
        secondary="#56697f",
        accent="#8a5a00",
        warning="#8a5a00",
        error="#b9252f",
        success="#1f7a36",
        foreground="#1f2730",
        background="#fcfbf8",
        surface="#f5f3ee",
        panel="#e9e6de",
        dark=False,
    ),
)

# What ``t`` offers, in this order; whatever else is registered comes after.
FIRST: Final = ("hooktop-dark", "hooktop-light", "ansi-dark", "ansi-light")


def known() -> list[str]:
    """The names of all themes: ours first, then Textual's."""
    return [*FIRST, *sorted({*BUILTIN_THEMES} - {*FIRST})]


def role_variables(theme: Theme, variables: dict[str, str]) -> dict[str, str]:
    """Colours for the stylesheets as variables named ``h-...``: solid, so that they also work for drawn lines.

    ANSI themes use the terminal's own 16 colours, which nobody can mix: there quiet is bright black and the cursor is
    shown in reverse.
    """
    if theme.ansi:
        bright = "ansi_bright_black"
        back, front = ("ansi_white", "ansi_black") if theme.dark else ("ansi_black", "ansi_white")
        return {
            "h-text": "ansi_default", "h-quiet": bright, "h-faint": bright, "h-rule": bright,
            "h-good": "ansi_green", "h-bad": "ansi_red", "h-warn": "ansi_yellow", "h-info": "ansi_blue",
            "h-accent": "ansi_cyan", "h-string": "ansi_green", "h-number": "ansi_cyan", "h-keyword": "ansi_magenta",
            "h-cursor": "ansi_default", "h-cursor-blur": "ansi_default", "h-bar": "ansi_default",
            "h-on-chip": "ansi_black", "h-pick": "reverse",
            "h-pick-back": back, "h-pick-text": front,
        }  # fmt: skip
    background = Color.parse(variables["background"])
    text = Color.parse(variables["foreground"])
    primary, good, bad, warn, accent = (
        Color.parse(variables[name]) for name in ("primary", "success", "error", "warning", "accent")
    )
    if not theme.dark and "hooktop" not in theme.name:  # many light themes have colours too pale to read as text
        black = Color(0, 0, 0)
        primary, good, bad, warn, accent = (colour.blend(black, 0.35) for colour in (primary, good, bad, warn, accent))

    def mix(colour: Color, share: float) -> str:
        return background.blend(colour, share).hex6

    return {
        "h-text": text.hex6,
        "h-quiet": mix(text, 0.62),
        "h-faint": mix(text, 0.40),
        "h-rule": mix(text, 0.20),
        "h-good": good.hex6,
        "h-bad": bad.hex6,
        "h-warn": warn.hex6,
        "h-info": primary.hex6,
        "h-accent": accent.hex6,
        "h-string": mix(good, 0.85),
        "h-number": mix(primary, 0.95),
        "h-keyword": mix(accent, 0.95),
        "h-cursor": mix(primary, 0.24 if theme.dark else 0.17),
        "h-cursor-blur": mix(text, 0.10),
        "h-bar": mix(text, 0.06),
        "h-on-chip": background.hex6,
        "h-pick": "none",
        "h-pick-back": mix(primary, 0.24 if theme.dark else 0.17),
        "h-pick-text": text.hex6,
    }
