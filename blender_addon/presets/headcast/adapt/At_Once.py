import bpy

settings = bpy.context.scene.headcast.adapt

settings.steps = 0
settings.size = 256
settings.detail = 512
