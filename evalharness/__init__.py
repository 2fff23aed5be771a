"""Evaluation: baselines, predictions, metrics, judge, statistics, verdict, report."""
