moving = ["ICMP"]
