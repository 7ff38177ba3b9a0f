def by_ttl(code):
    changed = bytearray(code)
    changed[12] = 22
