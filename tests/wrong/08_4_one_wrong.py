diagnoses = {1: "stale map", 2: "socket closed", 3: "wrong section name"}
