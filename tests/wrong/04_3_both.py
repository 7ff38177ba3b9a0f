shown = ["HOPOPT", "ICMPv6"]
