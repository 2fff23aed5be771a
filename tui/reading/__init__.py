"""What the screens show, read from the workspace and put into lines; no widget."""
