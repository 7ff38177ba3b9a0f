diagnoses = {1: "stale map", 2: "wrong interface", 3: "wrong section name", 11: "IPv6"}
