"""What goes to the terminal and comes from it: harmless text, printed words, keys, colours, the end."""
