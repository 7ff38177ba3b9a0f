ring_buffer = (0, 0, 2**40)
