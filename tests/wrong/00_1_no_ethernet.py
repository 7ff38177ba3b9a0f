frame_length = 20 + 8 + 56
