"""Measures pages against the bare minimum, in one run, as ratios: `make bench`."""
