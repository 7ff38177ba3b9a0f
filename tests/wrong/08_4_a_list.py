diagnoses = ["stale map", "wrong interface", "wrong section name"]
