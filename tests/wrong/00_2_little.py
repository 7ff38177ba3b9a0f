ethertype = int.from_bytes(frame[12:14], "little")
