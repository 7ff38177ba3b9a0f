moving = ["ICMPv6"]
