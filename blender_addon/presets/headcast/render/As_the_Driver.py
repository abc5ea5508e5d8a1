# SPDX-License-Identifier: GPL-3.0-or-later
import bpy

settings = bpy.context.scene.headcast.render

settings.motion = "relative"
settings.pose_of = "driver"
settings.pose = 1.0
settings.eyes = 1.0
settings.gaze = 1.0
settings.brows = 1.0
settings.mouth = 1.0
