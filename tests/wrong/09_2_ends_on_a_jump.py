marked = [
    row(0x30, 0, 0, 8),
    row(0x15, 0, 0, 0x21),
]
