udp_headers = "udp"
