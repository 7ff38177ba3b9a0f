to_change = {1: "kernel", 2: "kernel", 3: "call"}
