"""Headcast's core: a Likeness plays a Performance, and the Take is a sequence of frames. Knows no Blender.

The nouns are `likeness`, `performance` and `take`; the roads to them are `adapting.adapt`, `tracking.track` and
`rendering.render.render`. Anyone may come in: the command line, the worker and the tests call the same functions.
"""
