"""A language model as judge: rubrics, pairs, what its word is worth, and whether an answer can talk it round."""
