"""Tunnels: how the world reaches this machine, and whether it does."""
