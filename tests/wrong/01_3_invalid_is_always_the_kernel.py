to_change = {1: "rights", 2: "kernel", 3: "kernel"}
