def ports(key):
    return int.from_bytes(key[32:36], "big")
