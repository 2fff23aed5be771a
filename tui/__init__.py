"""The `seatrial` command and the terminal screens."""
