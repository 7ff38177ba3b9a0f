udp_headers = [
    row(0x30, 0, 0, 23),
    row(0x15, 0, 1, 17),
    row(0x06, 0, 0, 34),
    row(0x06, 0, 0, 0),
]
