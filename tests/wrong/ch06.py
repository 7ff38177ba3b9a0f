# %% 1 a_digit_missing -> ?
form = "1 00 00 00  06 00 00 00  08 00 00 00  e8 03 00 00  00 00 00 00"

# %% 1 an_array -> ?
form = "02 00 00 00  06 00 00 00  08 00 00 00  e8 03 00 00  00 00 00 00"

# %% 1 big_endian -> ?
form = "00 00 00 01  00 00 00 06  00 00 00 08  00 00 03 e8  00 00 00 00"

# %% 1 decimal -> ?
form = "01 00 00 00  06 00 00 00  08 00 00 00  00 10 00 00  00 00 00 00"

# %% 1 five_bytes -> ?
form = "01 06 08 03 e8"

# %% 1 not_hex -> ?
form = "one hash, please"

# %% 1 sizes_swapped -> ?
form = "01 00 00 00  08 00 00 00  06 00 00 00  e8 03 00 00  00 00 00 00"

# %% 1 with_0x -> ?
form = "0x01 0x00 0x00 0x00  0x06 0x00 0x00 0x00  0x08 0x00 0x00 0x00  0xe8 0x03 0x00 0x00"

# %% 2 decimal_34 -> ?
headers_only = "b7 00 00 00 34 00 00 00  95 00 00 00 00 00 00 00"

# %% 2 in_the_offset -> ?
headers_only = "b7 00 22 00 00 00 00 00  95 00 00 00 00 00 00 00"

# %% 2 no_exit -> ?
headers_only = "b7 00 00 00 22 00 00 00"

# %% 2 nothing -> ?
headers_only = "b7 00 00 00 00 00 00 00  95 00 00 00 00 00 00 00"

# %% 2 only_ethernet -> ?
headers_only = "b7 00 00 00 0e 00 00 00  95 00 00 00 00 00 00 00"

# %% 2 other_register -> ?
headers_only = "b7 01 00 00 22 00 00 00  95 00 00 00 00 00 00 00"

# %% 2 seven_bytes -> ?
headers_only = "b7 00 00 00 22 00 00  95 00 00 00 00 00 00 00"

# %% 3 another_constant -> ?
def by_ttl(code):
    changed = bytearray(code)
    changed[-12] = 1  # the number that the program returns
    return bytes(changed)

# %% 3 counted_from_the_ip_header -> ?
def by_ttl(code):
    changed = bytearray(code)
    for at in range(0, len(changed), 8):
        if changed[at] == 0x30:
            changed[at + 4] = 8
    return bytes(changed)

# %% 3 hex_22 -> ?
def by_ttl(code):
    changed = bytearray(code)
    for at in range(0, len(changed), 8):
        if changed[at] == 0x30:
            changed[at + 4] = 0x22
    return bytes(changed)

# %% 3 most_significant_byte -> ?
def by_ttl(code):
    changed = bytearray(code)
    for at in range(0, len(changed), 8):
        if changed[at] == 0x30:
            changed[at + 4 : at + 8] = (22).to_bytes(4, "big")
    return bytes(changed)

# %% 3 not_a_function -> ?
by_ttl = bytes(120)

# %% 3 nothing_returned -> ?
def by_ttl(code):
    changed = bytearray(code)
    changed[12] = 22

# %% 3 raises -> ?
def by_ttl(code):
    code[4] = 22  # bytes cannot be changed in place
    return code

# %% 3 the_offset_field -> ?
def by_ttl(code):
    changed = bytearray(code)
    for at in range(0, len(changed), 8):
        if changed[at] == 0x30:
            changed[at + 2] = 22
    return bytes(changed)
