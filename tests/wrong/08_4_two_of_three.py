diagnoses = {1: "stale map", 2: "wrong interface", 3: None}
