def dns_bytes(reading):
    return int(reading.traffic["bytes"][reading.keys["from_port"] == 53].sum())
