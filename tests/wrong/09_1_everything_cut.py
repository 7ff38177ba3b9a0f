udp_headers = [
    row(0x06, 0, 0, 34),
]
