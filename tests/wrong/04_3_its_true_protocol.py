shown = ["ICMPv6"]
