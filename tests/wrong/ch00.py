# %% 1 a_text -> without quotes and brackets
frame_length = "98"

# %% 1 no_data -> the data is missing
frame_length = 14 + 20 + 8

# %% 1 no_ethernet -> without its Ethernet header
frame_length = 20 + 8 + 56

# %% 1 ethernet_twice -> Add the three headers
frame_length = 14 + 14 + 20 + 8 + 56

# %% 1 right: added up by Python, and a number of numpy
import numpy

frame_length = numpy.sum([14, 20, 8]) + 56

# %% 2 as_hex_is_read -> Python writes that 0x0800
ethertype = 800

# %% 2 bytes -> Make one number of the two bytes
ethertype = frame[12:14]

# %% 2 little -> the larger comes first
ethertype = int.from_bytes(frame[12:14], "little")

# %% 2 one_byte -> That is byte 12 alone
ethertype = int.from_bytes(frame[12:13], "big")

# %% 2 the_other_byte -> That is byte 13 alone
ethertype = frame[13]

# %% 2 slice_one_too_far -> Which slice of the frame
ethertype = int.from_bytes(frame[13:15], "big")

# %% 2 right: by hand
ethertype = frame[12] * 256 + frame[13]

# %% 2 right: by struct
import struct

(ethertype,) = struct.unpack("!H", frame[12:14])
