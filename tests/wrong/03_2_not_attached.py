second = net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
second.bind(("lo", ETH_P_ALL))
