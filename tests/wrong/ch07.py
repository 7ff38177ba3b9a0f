# %% 1 a_second_exit -> is never reached
code = instruction(0x61, dst=0, src=1) + instruction(0x07, dst=0, imm=-14)
code += instruction(0x95) + instruction(0x95)

# %% 1 address_as_length -> 98 gives 4294967282
code = instruction(0xBF, dst=0, src=1) + instruction(0x07, dst=0, imm=-14) + instruction(0x95)

# %% 1 adds_14 -> imm may be negative
code = instruction(0x61, dst=0, src=1) + instruction(0x07, dst=0, imm=14) + instruction(0x95)

# %% 1 always_84 -> 98 gives 84
code = instruction(0xB7, dst=0, imm=84) + instruction(0x95)

# %% 1 as_text -> The program has to be bytes
code = "61 10 00 00 00 00 00 00"

# %% 1 no_exit -> is no exit: the program would run on
code = instruction(0x61, dst=0, src=1) + instruction(0x07, dst=0, imm=-14)

# %% 1 whole_length -> the Ethernet header is still in it
code = instruction(0x61, dst=0, src=1, offset=0) + instruction(0x95)

# %% 1 wrong_register -> r0 has no value here
code = instruction(0x61, dst=1, src=0) + instruction(0x07, dst=0, imm=-14) + instruction(0x95)

# %% 1 right: a list of instructions, and a subtraction
code = [
    instruction(0x61, dst=0, src=1),
    instruction(0x17, dst=0, imm=14),
    instruction(0x95),
]

# %% 2 a_list -> without quotes and brackets
returned = [15]

# %% 2 all_64_bits -> is what r0 >>= 28 leaves
returned = 2**36 - 1

# %% 2 in_quotes -> without quotes and brackets
returned = "15"

# %% 2 keeps_the_sign -> a shift that keeps the sign
returned = -1

# %% 2 not_shifted -> That is w0 before the shift
returned = 2**32 - 1

# %% 2 one_too_many -> How many bits has w0
returned = 31

# %% 2 right: calculated
returned = (2**32 - 1) >> 28

# %% 3 a_second_exit -> is never reached
mended = instruction(0xBF, dst=6, src=1) + instruction(0x85, imm=5)
mended += instruction(0x61, dst=0, src=6) + instruction(0x95) + instruction(0x95)

# %% 3 after_the_call -> r6 has no value here
mended = instruction(0x85, imm=5) + instruction(0xBF, dst=6, src=1)
mended += instruction(0x61, dst=0, src=6) + instruction(0x95)

# %% 3 keeps_it_in_r5 -> a call has used it up
mended = instruction(0xBF, dst=5, src=1) + instruction(0x85, imm=5)
mended += instruction(0x61, dst=0, src=5) + instruction(0x95)

# %% 3 no_call -> has to stay
mended = instruction(0x61, dst=0, src=1, offset=0) + instruction(0x95)

# %% 3 overwritten -> bytes give
mended = instruction(0x61, dst=0, src=1) + instruction(0x85, imm=5) + instruction(0x95)

# %% 3 the_time -> bytes give
mended = instruction(0x85, imm=5) + instruction(0x95)

# %% 3 as_text -> The program has to be bytes
mended = "bf 16 00 00 00 00 00 00"

# %% 3 right: the length is loaded first
mended = instruction(0x61, dst=7, src=1) + instruction(0x85, imm=5)
mended += instruction(0xBF, dst=0, src=7) + instruction(0x95)
