"""Figures, each printed with its limit or a peer of the same run: `make bench`, or `python -m benchmarks NAME …`."""
