def ports(key):
    return int.from_bytes(key[34:36], "big"), int.from_bytes(key[32:34], "big")
