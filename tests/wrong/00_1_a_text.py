frame_length = "98"
