"""A model on this machine: its files, loading it, and tokens in and out."""
