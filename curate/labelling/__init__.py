"""Labelling by people: the label set (tasks), what they answer (answers), what comes next (work).

What the answers make of a version is in applying, what a model proposes in suggest.
"""
