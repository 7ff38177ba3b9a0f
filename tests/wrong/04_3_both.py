moving = ["HOPOPT", "ICMPv6"]
