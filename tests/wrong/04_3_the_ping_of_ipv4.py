shown = ["ICMP"]
