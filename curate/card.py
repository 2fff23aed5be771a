"""The data card: what a dataset version holds, where it came from and what was done to it."""
