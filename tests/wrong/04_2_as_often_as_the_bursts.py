seconds_between_readings = 1.0
