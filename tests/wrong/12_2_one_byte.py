def ports(key):
    return key[32], key[34]
