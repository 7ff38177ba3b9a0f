def busiest(raw):
    values = struct.unpack(f"={len(raw) // 8}Q", raw)
    return 1 + values.index(max(values)), max(values) / sum(values)
