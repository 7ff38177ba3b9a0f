"""Step a program over a packet, forwards and backwards, and see all that it does.

Laboratory equipment, first used in chapter 07, inside_the_bytecode. `view` has the dataclasses
that a machine fills (Walk, View, Line, Cell, Group).
"""
