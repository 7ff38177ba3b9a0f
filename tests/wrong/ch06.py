# %% 1 a_digit_missing -> has a digit too few or too many
form = "1 00 00 00  06 00 00 00  08 00 00 00  e8 03 00 00  00 00 00 00"

# %% 1 an_array -> it has read the numbers
form = "02 00 00 00  06 00 00 00  08 00 00 00  e8 03 00 00  00 00 00 00"

# %% 1 big_endian -> which byte comes first
form = "00 00 00 01  00 00 00 06  00 00 00 08  00 00 03 e8  00 00 00 00"

# %% 1 decimal -> but another one
form = "01 00 00 00  06 00 00 00  08 00 00 00  00 10 00 00  00 00 00 00"

# %% 1 five_bytes -> Write five numbers of four bytes
form = "01 06 08 03 e8"

# %% 1 not_hex -> is no hex: write
form = "one hash, please"

# %% 1 sizes_swapped -> but another one
form = "01 00 00 00  08 00 00 00  06 00 00 00  e8 03 00 00  00 00 00 00"

# %% 1 with_0x -> is no hex: write
form = "0x01 0x00 0x00 0x00  0x06 0x00 0x00 0x00  0x08 0x00 0x00 0x00  0xe8 0x03 0x00 0x00"

# %% 1 a_dict -> is no text: write the bytes
form = {"type": 1, "key": 6, "value": 8, "entries": 1000}

# %% 1 sixteen_bits_each -> That is more than we want to take
form = "01 00 00 00  06 00 00 00  00 00 01 00  00 00 01 00  00 00 00 00"

# %% 1 right: packed by Python
import struct

form = struct.pack("5I", 1, 6, 8, 1000, 0)

# %% 1 right: a list of numbers
form = [1, 0, 0, 0, 6, 0, 0, 0, 8, 0, 0, 0, 0xE8, 3, 0, 0, 0, 0, 0, 0]

# %% 2 decimal_34 -> and you want 34
headers_only = "b7 00 00 00 34 00 00 00  95 00 00 00 00 00 00 00"

# %% 2 in_the_offset -> does not take these instructions
headers_only = "b7 00 22 00 00 00 00 00  95 00 00 00 00 00 00 00"

# %% 2 no_exit -> does not take these instructions
headers_only = "b7 00 00 00 22 00 00 00"

# %% 2 nothing -> bytes the socket got
headers_only = "b7 00 00 00 00 00 00 00  95 00 00 00 00 00 00 00"

# %% 2 only_ethernet -> bytes the socket got
headers_only = "b7 00 00 00 0e 00 00 00  95 00 00 00 00 00 00 00"

# %% 2 other_register -> does not take these instructions
headers_only = "b7 01 00 00 22 00 00 00  95 00 00 00 00 00 00 00"

# %% 2 seven_bytes -> An instruction has eight bytes
headers_only = "b7 00 00 00 22 00 00  95 00 00 00 00 00 00 00"

# %% 2 right: 32 bits wide, in capitals and fewer pieces
headers_only = "B4000000 22000000 9500000000000000"

# %% 3 another_constant -> change the imm of the instruction 0x30
def by_ttl(code):
    changed = bytearray(code)
    changed[-12] = 1  # the number that the program returns
    return bytes(changed)

# %% 3 counted_from_the_ip_header -> which byte is it?
def by_ttl(code):
    changed = bytearray(code)
    for at in range(0, len(changed), 8):
        if changed[at] == 0x30:
            changed[at + 4] = 8
    return bytes(changed)

# %% 3 hex_22 -> Hex 22 is 34
def by_ttl(code):
    changed = bytearray(code)
    for at in range(0, len(changed), 8):
        if changed[at] == 0x30:
            changed[at + 4] = 0x22
    return bytes(changed)

# %% 3 most_significant_byte -> which byte is it?
def by_ttl(code):
    changed = bytearray(code)
    for at in range(0, len(changed), 8):
        if changed[at] == 0x30:
            changed[at + 4 : at + 8] = (22).to_bytes(4, "big")
    return bytes(changed)

# %% 3 not_a_function -> Hand the check a function
by_ttl = bytes(120)

# %% 3 nothing_returned -> Return as many bytes
def by_ttl(code):
    changed = bytearray(code)
    changed[12] = 22

# %% 3 raises -> It stops with TypeError
def by_ttl(code):
    code[4] = 22  # bytes cannot be changed in place
    return code

# %% 3 the_offset_field -> is anything changed but that one byte
def by_ttl(code):
    changed = bytearray(code)
    for at in range(0, len(changed), 8):
        if changed[at] == 0x30:
            changed[at + 2] = 22
    return bytes(changed)

# %% 3 right: one replacement
def by_ttl(code):
    return code.replace(bytes([0x30, 0, 0, 0, 23]), bytes([0x30, 0, 0, 0, 22]))

# %% 3 right: the bytearray itself
def by_ttl(code):
    changed = bytearray(code)
    changed[changed.index(0x30) + 4] = 22
    return changed
