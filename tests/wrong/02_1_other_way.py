meaning = "r1 = *(u32 *)(r10 - 8)"
