def busiest(raw):
    values = struct.unpack(f"={len(raw) // 8}Q", raw)
    return values.index(max(values)), max(values) / (sum(values) / len(values))
