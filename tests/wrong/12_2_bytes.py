def ports(key):
    return key[32:34], key[34:36]
