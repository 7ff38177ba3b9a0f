def ports(key):
    return int.from_bytes(key[8:10], "big"), int.from_bytes(key[10:12], "big")
