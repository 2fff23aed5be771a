"""The demo's tickets: a messy export of an invented company, and the golden tickets that it evaluates on."""

from pathlib import Path

TICKETS = Path(__file__).with_name("tickets.jsonl")
GOLDEN = Path(__file__).with_name("golden.jsonl")
