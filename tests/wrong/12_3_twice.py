def dns_bytes(reading):
    keys, counted = reading.keys, reading.traffic["bytes"]
    return int(counted[keys["to_port"] == 53].sum() + counted[keys["from_port"] == 53].sum())
