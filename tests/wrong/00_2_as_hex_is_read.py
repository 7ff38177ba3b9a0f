ethertype = 800
