by_ttl = bytes(120)
