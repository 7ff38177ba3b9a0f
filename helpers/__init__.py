"""What the chapters share: each module carries what one chapter built in the open."""

from helpers import moved

moved.install()  # an old copy of a chapter is told where its imports went
