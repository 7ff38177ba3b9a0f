def dns_bytes(reading):
    return int(reading.traffic["bytes"][reading.keys["to_port"] == 53].sum())
