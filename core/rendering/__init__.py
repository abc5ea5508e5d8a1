"""The road from a Likeness and a Performance to frames on disk, with the manifest that makes a take resumable.

`render` is the road; `player` holds the networks; `feed` turns arrays into what networks take.
"""
