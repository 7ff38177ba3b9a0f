meaning = "*(u32 *)(r10 - 1793) = r1"
