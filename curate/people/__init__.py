"""Several people without a server: journals, differences, agreement, sessions."""
