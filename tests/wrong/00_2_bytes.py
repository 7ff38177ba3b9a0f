ethertype = frame[12:14]
