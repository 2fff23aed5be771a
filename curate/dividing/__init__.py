"""Splits: what belongs together, what is stratified, what is resampled."""
