ring_buffer = (4, 8, 4096)
