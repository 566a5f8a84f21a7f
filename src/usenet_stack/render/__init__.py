"""Everything a person sees: pages, tables, progress, errors, JSON.

The modules that a help page needs (`page`, `terminal`, `sentences`) import
nothing heavy; those that print tables import rich.
"""
