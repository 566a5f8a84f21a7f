"""Restore: stage beside, verify, swap whole directories, or nothing at all.

`exchange` swaps two folders, `staging` unpacks a backup beside them, and
`carrying` brings along what the backup does not hold. `operations` makes
steps of a plan of these, `planning` the plan, `restore` and `undo` run it.
"""
