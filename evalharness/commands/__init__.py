"""The commands: what each is told, and what it answers."""
