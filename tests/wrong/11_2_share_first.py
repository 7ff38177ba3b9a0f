def busiest(raw):
    values = struct.unpack(f"={len(raw) // 8}Q", raw)
    return max(values) / sum(values), values.index(max(values))
