def busiest(raw):
    values = struct.unpack("=2Q", raw[:16])
    return values.index(max(values)), max(values) / sum(values)
