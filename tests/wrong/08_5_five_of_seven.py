more = {4: "IPv6", 5: "socket closed", 6: "missing capability", 7: "wrong byte order", 8: "socket closed", 9: "wrong interface", 10: "firewall"}
