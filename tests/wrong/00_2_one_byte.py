ethertype = int.from_bytes(frame[12:13], "big")
