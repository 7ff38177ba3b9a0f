def dns_bytes(reading):
    keys = reading.keys
    dns = ((keys["from_port"] == 53) | (keys["to_port"] == 53)) & (keys["protocol"] == 17)
    return int(reading.traffic["bytes"][dns].sum())
