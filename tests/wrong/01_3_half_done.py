to_change = {1: "rights", 2: None, 3: None}
