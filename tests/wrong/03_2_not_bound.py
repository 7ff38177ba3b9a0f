second = net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
second.setsockopt(socket.SOL_SOCKET, SO_ATTACH_BPF, program_fd)
