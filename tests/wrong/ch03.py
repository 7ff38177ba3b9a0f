# %% 1 in_braces -> without quotes and brackets
three_big_pings = {3 * 2 * (14 + 20 + 8 + 1000)}

# %% 1 no_headers -> counts whole frames
three_big_pings = 3 * 2 * 1000

# %% 1 one_direction -> That is one direction
three_big_pings = 3 * (14 + 20 + 8 + 1000)

# %% 1 one_ping -> three were sent
three_big_pings = 2 * (14 + 20 + 8 + 1000)

# %% 1 no_ethernet -> Begin with one frame
three_big_pings = 3 * 2 * (20 + 8 + 1000)

# %% 1 right: in a loop
three_big_pings = 0
for _ in range(3):
    request = 14 + 20 + 8 + 1000
    three_big_pings += request + request

# %% 2 not_attached -> No program is attached
second = net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
second.bind(("lo", ETH_P_ALL))

# %% 2 not_bound -> bound to no interface
second = net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
second.setsockopt(socket.SOL_SOCKET, SO_ATTACH_BPF, program_fd)

# %% 2 the_first_again -> under a second name
second = sock

# %% 2 wrong_protocol -> bind it with ETH_P_ALL
second = net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
second.setsockopt(socket.SOL_SOCKET, SO_ATTACH_BPF, program_fd)
second.bind(("lo", 0x0800))

# %% 2 closed_again -> That socket is closed
with net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as second:
    second.setsockopt(socket.SOL_SOCKET, SO_ATTACH_BPF, program_fd)
    second.bind(("lo", ETH_P_ALL))

# %% 2 a_udp_socket -> A packet socket is wanted
second = net.socket(socket.AF_INET, socket.SOCK_DGRAM)
second.setsockopt(socket.SOL_SOCKET, SO_ATTACH_BPF, program_fd)

# %% 2 its_number -> A packet socket is wanted
second = sock.fileno()

# %% 2 another_interface -> It listens on
elsewhere = netlab.open_network()
elsewhere.add_veth()
second = elsewhere.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
second.setsockopt(socket.SOL_SOCKET, SO_ATTACH_BPF, program_fd)
second.bind(("left", ETH_P_ALL))

# %% 2 a_third_one -> are there more than two sockets
third = sockets.packet_socket(net, program_fd)
second = sockets.packet_socket(net, program_fd)

# %% 2 another_network -> does not run this program here
elsewhere = netlab.open_network()
second = elsewhere.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
second.setsockopt(socket.SOL_SOCKET, SO_ATTACH_BPF, program_fd)
second.bind(("lo", ETH_P_ALL))

# %% 2 right: by the course's own helper
second = sockets.packet_socket(net, program_fd)

# %% 2 right: bound first, attached after
second = net.socket(socket.AF_PACKET, socket.SOCK_RAW)
second.bind(("lo", ETH_P_ALL))
second.setsockopt(socket.SOL_SOCKET, SO_ATTACH_BPF, program_fd)

# %% 3 a_number -> is not an IPv6 address
address = 6

# %% 3 first_byte -> landed in slot
address = "600::1"

# %% 3 ipv4 -> is not an IPv6 address
address = "127.0.0.6"

# %% 3 last_byte -> landed in slot
address = "2001:db8::6"

# %% 3 multicast -> cannot be the source of a packet
address = "ff06::1"

# %% 3 link_local -> is kept for one link
address = "fe80::6"

# %% 3 right: capitals, and blanks around
address = " FD06::1 "

# %% 3 right: an address of Python's library
import ipaddress

address = ipaddress.ip_address("2606::1")
