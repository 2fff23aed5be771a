"""Dataset curation: what the data is, what is wrong with it, what was decided, how it is divided."""
