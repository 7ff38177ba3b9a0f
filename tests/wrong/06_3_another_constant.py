def by_ttl(code):
    changed = bytearray(code)
    changed[-12] = 1  # the number that the program returns
    return bytes(changed)
