"""Each baseline's fair chance: its prompt, shots and retrieval, chosen on the validation split."""
