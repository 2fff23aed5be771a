"""From scores to a verdict: what was declared, the comparison, the conditions, and what they rest on."""
