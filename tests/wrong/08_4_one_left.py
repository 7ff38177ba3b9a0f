diagnoses = {1: "stale map"}
