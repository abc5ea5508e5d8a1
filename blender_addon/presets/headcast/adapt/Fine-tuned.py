# SPDX-License-Identifier: GPL-3.0-or-later
import bpy

settings = bpy.context.scene.headcast.adapt

settings.steps = 300
settings.size = 256
settings.detail = 1024
