# %% 1 in_braces -> ?
three_big_pings = {3 * 2 * (14 + 20 + 8 + 1000)}

# %% 1 no_headers -> ?
three_big_pings = 3 * 2 * 1000

# %% 1 one_direction -> ?
three_big_pings = 3 * (14 + 20 + 8 + 1000)

# %% 1 one_ping -> ?
three_big_pings = 2 * (14 + 20 + 8 + 1000)

# %% 2 not_attached -> ?
second = net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
second.bind(("lo", ETH_P_ALL))

# %% 2 not_bound -> ?
second = net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
second.setsockopt(socket.SOL_SOCKET, SO_ATTACH_BPF, program_fd)

# %% 2 the_first_again -> ?
second = sock

# %% 3 a_number -> ?
address = 6

# %% 3 first_byte -> ?
address = "600::1"

# %% 3 ipv4 -> ?
address = "127.0.0.6"

# %% 3 last_byte -> ?
address = "2001:db8::6"

# %% 3 multicast -> ?
address = "ff06::1"
