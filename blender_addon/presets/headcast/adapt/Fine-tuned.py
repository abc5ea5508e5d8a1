import bpy

settings = bpy.context.scene.headcast.adapt

settings.steps = 300
settings.size = 256
settings.detail = 1024
