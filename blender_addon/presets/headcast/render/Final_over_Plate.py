# SPDX-License-Identifier: GPL-3.0-or-later
import bpy

settings = bpy.context.scene.headcast.render

settings.frame = "plate"
settings.layers = "all"
settings.over = "over"
settings.photos = 10
settings.tries = 4
