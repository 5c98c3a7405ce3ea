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

TEXT: Final = 4.5  # contrast that text needs, by WCAG 2
LABEL: Final = 3.0  # ... and what only stands beside it
PICKED: Final = 3.4  # ... and text of every role under the cursor, whose colour is as strong as that allows
# What ``t`` offers, in this order; whatever else is registered comes after.
FIRST: Final = ("hooktop-dark", "hooktop-light", "ansi-dark", "ansi-light")


def known() -> list[str]:
    """The names of all themes: ours first, then Textual's."""
    return [*FIRST, *sorted({*BUILTIN_THEMES} - {*FIRST})]


def contrast(one: Color, other: Color) -> float:
    """How well one colour reads on another: the ratio of WCAG 2, from 1 to 21."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def role_variables(theme: Theme, variables: dict[str, str], *, colourless: bool = False) -> dict[str, str]:
    """Colours for the stylesheets as variables named ``h-...``: solid, so that they also work for drawn lines.

    A theme's own colours are moved towards black or white as far as it takes to read them. ANSI themes use the
    terminal's own 16 colours, which nobody can mix: there quiet is bright black, the cursor is shown in reverse, that
    of a pane that is not in use underlined, blue on dark is the bright one, and nothing on light is yellow.
    """
    if theme.ansi:
        bright = "ansi_bright_black"
        back, front = ("ansi_white", "ansi_black") if theme.dark else ("ansi_black", "ansi_white")
        wrong, careful, hint, keyword = (
            ("ansi_bright_red", "ansi_yellow", "ansi_bright_blue", "ansi_magenta")
            if theme.dark
            else ("ansi_red", "ansi_magenta", "ansi_blue", "ansi_blue")
        )
        return {
            "h-text": "ansi_default", "h-quiet": bright, "h-faint": bright, "h-rule": bright,
            "h-good": "ansi_green", "h-bad": wrong, "h-warn": careful, "h-info": hint,
            "h-accent": "ansi_cyan", "h-string": "ansi_green", "h-number": "ansi_cyan", "h-keyword": keyword,
            "h-cursor": "ansi_default", "h-cursor-blur": "ansi_default", "h-bar": "ansi_default",
            "h-on-chip": "ansi_black", "h-pick": "reverse", "h-pick-blur": "underline",
            "h-pick-back": back, "h-pick-text": front,
        }  # fmt: skip
    background = Color.parse(variables["background"])
    text = Color.parse(variables["foreground"])
    ink = Color(255, 255, 255) if theme.dark else Color(0, 0, 0)

    def readable(colour: Color, least: float = TEXT, towards: Color = ink) -> Color:
        """The colour, or the nearest to it in the direction of another that reads on the background."""
        steps = (colour.blend(towards, step / 20) for step in range(20))
        return next((one for one in steps if contrast(one, background) >= least), towards)

    def mix(colour: Color, share: float) -> str:
        return background.blend(colour, share).hex6

    primary, good, bad, warn, accent = (
        readable(Color.parse(variables[name])) for name in ("primary", "success", "error", "warning", "accent")
    )
    quiet = readable(background.blend(text, 0.62), TEXT, text)
    if colourless:  # Textual makes greys of colours, and that of red says less than plain text
        bad = ink
    string, number, word = (
        readable(background.blend(colour, share)) for colour, share in ((good, 0.85), (primary, 0.95), (accent, 0.95))
    )
    shown = (text, quiet, good, bad, warn, primary, accent, string, number, word)
    tints = (background.blend(primary, percent / 100) for percent in range(24 if theme.dark else 17, 0, -1))
    cursor = next((tint for tint in tints if all(contrast(one, tint) >= PICKED for one in shown)), background)

    return {
        "h-text": text.hex6,
        "h-quiet": quiet.hex6,
        "h-faint": readable(background.blend(text, 0.40), LABEL, text).hex6,
        "h-rule": mix(text, 0.20),
        "h-good": good.hex6,
        "h-bad": bad.hex6,
        "h-warn": warn.hex6,
        "h-info": primary.hex6,
        "h-accent": accent.hex6,
        "h-string": string.hex6,
        "h-number": number.hex6,
        "h-keyword": word.hex6,
        "h-cursor": cursor.hex6,
        "h-cursor-blur": mix(text, 0.10),
        "h-bar": mix(text, 0.06),
        "h-on-chip": background.hex6,
        "h-pick": "none",
        "h-pick-blur": "none",
        "h-pick-back": cursor.hex6,
        "h-pick-text": text.hex6,
    }
