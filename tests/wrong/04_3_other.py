moving = ["other"]
