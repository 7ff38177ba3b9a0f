more = {4: "firewall", 5: "another network", 6: "wrong section name", 7: "stale map", 8: "socket closed", 9: "program not attached", 10: "interface down"}
