"""What both faces need: the monitor, the feed, keys and simulated traffic. Nothing here knows a screen."""
