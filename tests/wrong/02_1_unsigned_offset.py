meaning = "*(u32 *)(r10 + 65528) = r1"
