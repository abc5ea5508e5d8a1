# SPDX-License-Identifier: GPL-3.0-or-later
"""Our node groups: into a node editor, into the asset library; and what a Comp shows."""

# Blender wants annotations of properties as they are: no `from __future__ import annotations` here.

import bpy

from .. import compat
from ..locale import said
from ..nodes.build import ensure_group, group_name
from ..nodes.comp import COMP, VIEWS
from ..nodes.shelf import SHELF
from ..scene.asset_library import library_folder, write_assets
from ..scene.composite import take_group
from ..scene.files import absolute
from ..scene.sequence import find_take, in_sequences, load_take
from .errors import reports_errors
from .polls import allow


class HEADCAST_OT_add_node(bpy.types.Operator):
    """Add one of Headcast's node groups to the compositor"""

    bl_idname = "headcast.add_node"
    bl_label = "Add Headcast Node"
    bl_options = {"REGISTER", "UNDO"}

    kind: bpy.props.EnumProperty(
        name="Node",
        description="Which one",
        items=[(key, recipe.name.removeprefix("Headcast "), recipe.text) for key, recipe in SHELF.items()],
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        return SHELF[properties.kind].text

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        group = self._take(context) if self.kind == "TAKE" else ensure_group(SHELF[self.kind])
        space = context.space_data
        in_editor = getattr(space, "tree_type", "") == "CompositorNodeTree" and space.edit_tree is not None
        tree = space.edit_tree if in_editor else compat.compositor_tree(context.scene)
        for other in tree.nodes:
            other.select = False
        node = tree.nodes.new("CompositorNodeGroup")
        node.node_tree, node.label, node.width = group, group.name, 180
        node.location = space.cursor_location if in_editor else (0, 0)
        tree.nodes.active = node
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """At the mouse, which then moves it, as with Blender's own nodes."""
        context.space_data.cursor_location_from_region(event.mouse_region_x, event.mouse_region_y)
        done = self.execute(context)
        if done == {"FINISHED"}:
            bpy.ops.node.translate_attach_remove_on_cancel("INVOKE_DEFAULT")
        return done

    def _take(self, context: bpy.types.Context) -> bpy.types.NodeTree:
        take = in_sequences(find_take(absolute(context.scene.headcast.output, "Take")))
        return take_group(load_take(take), take)


class HEADCAST_OT_view(bpy.types.Operator):
    """Choose what the active Headcast Comp shows"""

    bl_idname = "headcast.view"
    bl_label = "View"
    bl_options = {"REGISTER", "UNDO"}

    number: bpy.props.IntProperty(name="View", description=", ".join(VIEWS), min=0, max=len(VIEWS) - 1)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        node = getattr(context, "active_node", None)
        free = group_name(node) == COMP.name and not node.inputs["View"].is_linked
        return allow(cls, "" if free else "Choose a Headcast Comp in the compositor")

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.active_node.inputs["View"].default_value = self.number
        return {"FINISHED"}


class HEADCAST_OT_write_assets(bpy.types.Operator):
    """Put Headcast's node groups into your asset library, where every file finds them"""

    bl_idname = "headcast.write_assets"
    bl_label = "Add Nodes to Asset Library"
    bl_options = {"REGISTER"}

    @reports_errors
    def execute(self, context: bpy.types.Context) -> set[str]:
        path = write_assets(library_folder())
        self.report({"INFO"}, said("Wrote {}", path))
        return {"FINISHED"}
