# %% 1 a_text -> ?
frame_length = "98"

# %% 1 no_data -> ?
frame_length = 14 + 20 + 8

# %% 1 no_ethernet -> ?
frame_length = 20 + 8 + 56

# %% 2 as_hex_is_read -> ?
ethertype = 800

# %% 2 bytes -> ?
ethertype = frame[12:14]

# %% 2 little -> ?
ethertype = int.from_bytes(frame[12:14], "little")

# %% 2 one_byte -> ?
ethertype = int.from_bytes(frame[12:13], "big")
