# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's own environment: made beside Blender, by Blender's Python, of packages from the internet or a folder.

`set_up` is the road; `environment` is the folder that it leaves, `hardware` chooses the build of torch, `pip` fetches and
installs. Needs nothing but Python: it runs before there is an engine.

May enter: root.
"""
