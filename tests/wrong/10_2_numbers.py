least = {"loader": {39}, "listener": {13}, "reader": set()}
