ring_buffer = (0, 0, 1)
