"""The `seatrial` command and the terminal screens."""

import os

# Textual paints on a beat of 60 a second, for which a key waits 8 ms on the mean and 17 at most. It reads
# this when it is imported; nothing beats while nothing is to be painted
os.environ.setdefault("TEXTUAL_FPS", "240")
