"""`python -P -m tui` is the `seatrial` command."""

import sys

from tui.cli import main

sys.exit(main())
