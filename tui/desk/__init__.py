"""What lies on a reviewer's desk: findings, their rows, the filter, drafts, undo."""
