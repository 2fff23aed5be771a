"""Files in: where rows are, and how they become examples."""
