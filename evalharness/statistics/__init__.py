"""How sure a figure is: intervals, paired tests, power. Arrays in, numbers out."""
