def busiest(raw):
    values = struct.unpack(f"={len(raw) // 8}Q", raw)
    return values.index(max(values)), 100 * max(values) / sum(values)
