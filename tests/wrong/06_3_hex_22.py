def by_ttl(code):
    changed = bytearray(code)
    for at in range(0, len(changed), 8):
        if changed[at] == 0x30:
            changed[at + 4] = 0x22
    return bytes(changed)
