"""Benchmarks: ``python -m benchmarks`` prints tables whose ratios were measured in the same run."""
