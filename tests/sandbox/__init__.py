"""Tests of simulated traffic: who plays in it, its order and faults, and how it is posted."""
