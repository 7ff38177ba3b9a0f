marked = [
    row(0x06, 0, 0, 262144),
]
