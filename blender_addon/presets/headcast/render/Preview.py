# SPDX-License-Identifier: GPL-3.0-or-later
import bpy

settings = bpy.context.scene.headcast.render

settings.frame = "crop"
settings.layers = "head"
settings.photos = 1
settings.tries = 0
