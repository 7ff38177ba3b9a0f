meaning = "*(u32 *)(ra - 8) = r1"
