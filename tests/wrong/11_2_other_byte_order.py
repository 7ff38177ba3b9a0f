def busiest(raw):
    other = ">" if sys.byteorder == "little" else "<"
    values = struct.unpack(f"{other}{len(raw) // 8}Q", raw)
    return values.index(max(values)), max(values) / sum(values)
