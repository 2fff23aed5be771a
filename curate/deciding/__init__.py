"""Findings and what people and rules decided on them."""
