"""What the tabs of the detail pane show, as lines. Pure functions of a capture; no widget in here."""
