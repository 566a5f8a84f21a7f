"""The front door: understand the words, call one operation, show its result.

`main.run` is the only entry. The path to a help page imports no room, no
renderer of tables and nothing that a `python -c pass` would notice much:
commands are described as plain data (`spec`), one module for each group.
"""
