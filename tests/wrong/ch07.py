# %% 1 a_second_exit -> ?
code = instruction(0x61, dst=0, src=1) + instruction(0x07, dst=0, imm=-14)
code += instruction(0x95) + instruction(0x95)

# %% 1 address_as_length -> ?
code = instruction(0xBF, dst=0, src=1) + instruction(0x07, dst=0, imm=-14) + instruction(0x95)

# %% 1 adds_14 -> ?
code = instruction(0x61, dst=0, src=1) + instruction(0x07, dst=0, imm=14) + instruction(0x95)

# %% 1 always_84 -> ?
code = instruction(0xB7, dst=0, imm=84) + instruction(0x95)

# %% 1 as_text -> ?
code = "61 10 00 00 00 00 00 00"

# %% 1 no_exit -> ?
code = instruction(0x61, dst=0, src=1) + instruction(0x07, dst=0, imm=-14)

# %% 1 whole_length -> ?
code = instruction(0x61, dst=0, src=1, offset=0) + instruction(0x95)

# %% 1 wrong_register -> ?
code = instruction(0x61, dst=1, src=0) + instruction(0x07, dst=0, imm=-14) + instruction(0x95)

# %% 2 a_list -> ?
returned = [15]

# %% 2 all_64_bits -> ?
returned = 2**36 - 1

# %% 2 in_quotes -> ?
returned = "15"

# %% 2 keeps_the_sign -> ?
returned = -1

# %% 2 not_shifted -> ?
returned = 2**32 - 1

# %% 2 one_too_many -> ?
returned = 31

# %% 3 a_second_exit -> ?
mended = instruction(0xBF, dst=6, src=1) + instruction(0x85, imm=5)
mended += instruction(0x61, dst=0, src=6) + instruction(0x95) + instruction(0x95)

# %% 3 after_the_call -> ?
mended = instruction(0x85, imm=5) + instruction(0xBF, dst=6, src=1)
mended += instruction(0x61, dst=0, src=6) + instruction(0x95)

# %% 3 keeps_it_in_r5 -> ?
mended = instruction(0xBF, dst=5, src=1) + instruction(0x85, imm=5)
mended += instruction(0x61, dst=0, src=5) + instruction(0x95)

# %% 3 no_call -> ?
mended = instruction(0x61, dst=0, src=1, offset=0) + instruction(0x95)

# %% 3 overwritten -> ?
mended = instruction(0x61, dst=0, src=1) + instruction(0x85, imm=5) + instruction(0x95)

# %% 3 the_time -> ?
mended = instruction(0x85, imm=5) + instruction(0x95)
