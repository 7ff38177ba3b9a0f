def busiest(raw):
    return max(struct.unpack(f"={len(raw) // 8}Q", raw))
