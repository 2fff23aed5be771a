"""The shell commands of curate, one module each."""
