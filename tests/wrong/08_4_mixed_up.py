diagnoses = {1: "wrong interface", 2: "stale map", 3: "missing capability"}
