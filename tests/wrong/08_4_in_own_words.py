diagnoses = {1: "the map", 2: "wrong interface", 3: "wrong section name"}
