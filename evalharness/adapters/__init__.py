"""Adapters as the harness meets them, trained here or elsewhere: names, rows, merging, files for others."""
