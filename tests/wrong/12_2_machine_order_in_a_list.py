def ports(key):
    return [int.from_bytes(key[32:34], "little"), int.from_bytes(key[34:36], "little")]
