def dns_bytes(reading):
    return int(((reading.keys["from_port"] == 53) | (reading.keys["to_port"] == 53)).sum())
