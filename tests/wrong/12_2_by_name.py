def ports(key):
    return key["from_port"], key["to_port"]
