seconds_between_readings = 10
