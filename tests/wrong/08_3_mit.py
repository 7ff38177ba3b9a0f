case = "licence"
program = clinic.code("licence").replace("Proprietary", "MIT")
