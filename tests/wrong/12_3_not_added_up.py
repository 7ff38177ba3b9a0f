def dns_bytes(reading):
    dns = (reading.keys["from_port"] == 53) | (reading.keys["to_port"] == 53)
    return reading.traffic["bytes"][dns]
