seconds_between_readings = 0.5
