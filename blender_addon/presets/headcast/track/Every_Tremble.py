# SPDX-License-Identifier: GPL-3.0-or-later
import bpy

settings = bpy.context.scene.headcast.track

settings.smoothing = 0.0
