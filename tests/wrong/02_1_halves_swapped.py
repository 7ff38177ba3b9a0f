meaning = "*(u32 *)(r1 - 8) = r10"
