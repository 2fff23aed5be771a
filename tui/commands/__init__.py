"""The commands beside the screens: the demo, the doctor, rows, and serving to a browser."""
