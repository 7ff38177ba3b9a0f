def dns_bytes(reading):
    return int(reading.traffic["bytes"].sum())
