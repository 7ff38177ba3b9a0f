"""The verbs of ./course that are written in Python, one module each."""
