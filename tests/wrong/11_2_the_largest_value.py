def busiest(raw):
    values = struct.unpack(f"={len(raw) // 8}Q", raw)
    return max(values), max(values) / sum(values)
