udp_headers = [
    row(0x28, 0, 0, 12),
    row(0x15, 0, 2, 0x800),
    row(0x30, 0, 0, 23),
]
