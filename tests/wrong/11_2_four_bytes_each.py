def busiest(raw):
    values = struct.unpack(f"={len(raw) // 4}I", raw)[::2]
    return values.index(max(values)), max(values) / sum(values)
