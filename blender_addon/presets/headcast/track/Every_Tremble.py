import bpy

settings = bpy.context.scene.headcast.track

settings.smoothing = 0.0
