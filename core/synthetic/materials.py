# SPDX-License-Identifier: GPL-3.0-or-later
"""Cycles materials of skin, eyes, hair, teeth and cloth. Runs inside Blender."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

Colour = tuple[float, float, float]
HEAD_PASS = "head"
"""Name of the render pass that says which pixels are head, hair or neck."""
PLAIN_CLOTH = (0.25, 0.12, 0.08, 1.0)


def new_material(name: str, head: float | str) -> tuple[Any, Any]:
    """A material with a Principled shader: the material and the shader's node.

    `head` is what the material writes into HEAD_PASS: a value, or the name of a vertex attribute that holds it.
    """
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    output = nodes.new("ShaderNodeOutputAOV")
    output.aov_name = HEAD_PASS
    if isinstance(head, str):
        attribute = nodes.new("ShaderNodeAttribute")
        attribute.attribute_name = head
        links.new(attribute.outputs["Fac"], output.inputs["Value"])
    else:
        output.inputs["Value"].default_value = head
    return material, nodes["Principled BSDF"]


def skin(picture: Path, gain: Colour, gamma: float, gloss: float, beard: float, beard_colour: Colour) -> Any:
    """Skin with light under its surface, pores from its own picture, and the shadow of a beard (attribute "beard")."""
    material, shader = new_material("skin", "head")
    nodes, links = material.node_tree.nodes, material.node_tree.links
    image = _image(nodes, picture)
    curve = nodes.new("ShaderNodeGamma")
    curve.inputs["Gamma"].default_value = gamma
    links.new(image.outputs["Color"], curve.inputs["Color"])
    tinted = _mix(nodes, links, "MULTIPLY", 1.0, curve.outputs["Color"], (*gain, 1.0))
    shadow = nodes.new("ShaderNodeAttribute")
    shadow.attribute_name = "beard"
    share = nodes.new("ShaderNodeMath")
    share.operation = "MULTIPLY"
    share.inputs[1].default_value = min(beard, 0.4)
    links.new(shadow.outputs["Fac"], share.inputs[0])
    coloured = _mix(nodes, links, "DARKEN", share.outputs[0], tinted, (*beard_colour, 1.0))
    links.new(coloured, shader.inputs["Base Color"])
    pores = nodes.new("ShaderNodeTexNoise")
    pores.inputs["Scale"].default_value = 900.0
    pores.inputs["Detail"].default_value = 4.0
    both = nodes.new("ShaderNodeMath")
    both.operation = "MULTIPLY_ADD"
    both.inputs[1].default_value = 0.12
    links.new(pores.outputs["Fac"], both.inputs[0])
    links.new(image.outputs["Color"], both.inputs[2])
    bump = nodes.new("ShaderNodeBump")
    bump.inputs["Strength"].default_value = 0.55
    bump.inputs["Distance"].default_value = 0.002
    links.new(both.outputs[0], bump.inputs["Height"])
    links.new(bump.outputs["Normal"], shader.inputs["Normal"])
    rough = nodes.new("ShaderNodeMapRange")
    rough.inputs["To Min"].default_value = gloss - 0.08
    rough.inputs["To Max"].default_value = gloss + 0.1
    patches = nodes.new("ShaderNodeTexNoise")
    patches.inputs["Scale"].default_value = 60.0
    links.new(patches.outputs["Fac"], rough.inputs["Value"])
    links.new(rough.outputs["Result"], shader.inputs["Roughness"])
    shader.inputs["Subsurface Weight"].default_value = 0.25
    shader.inputs["Subsurface Radius"].default_value = (1.0, 0.35, 0.2)
    shader.inputs["Subsurface Scale"].default_value = 0.006
    shader.inputs["Specular IOR Level"].default_value = 0.3
    return material


def eye(picture: Path) -> Any:
    """A wet eyeball. Its picture is transparent where the mesh has the cornea: there only the wetness shows."""
    material, shader = new_material("eye", 1.0)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    image = _image(nodes, picture)
    links.new(image.outputs["Color"], shader.inputs["Base Color"])
    shader.inputs["Roughness"].default_value = 0.12
    shader.inputs["Subsurface Weight"].default_value = 0.1
    shader.inputs["Subsurface Scale"].default_value = 0.002
    clear, gloss, tear = (nodes.new(f"ShaderNode{kind}") for kind in ("BsdfTransparent", "BsdfGlossy", "MixShader"))
    gloss.inputs["Roughness"].default_value = 0.03
    tear.inputs["Fac"].default_value = 0.05
    links.new(clear.outputs[0], tear.inputs[1])
    links.new(gloss.outputs[0], tear.inputs[2])
    both = nodes.new("ShaderNodeMixShader")
    links.new(image.outputs["Alpha"], both.inputs["Fac"])
    links.new(tear.outputs[0], both.inputs[1])
    links.new(shader.outputs[0], both.inputs[2])
    links.new(both.outputs[0], nodes["Material Output"].inputs["Surface"])
    return material


def hair_card(picture: Path, middle: float, colour: Colour) -> Any:
    """Hair, brows or lashes drawn on strips: the picture's alpha cuts, its lightness over `middle` varies `colour`."""
    material, shader = new_material("hair card", 1.0)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    image = _image(nodes, picture)
    grey = nodes.new("ShaderNodeRGBToBW")
    links.new(image.outputs["Color"], grey.inputs["Color"])
    light = nodes.new("ShaderNodeMapRange")
    light.inputs["From Max"].default_value = 2.5 * middle
    light.inputs["To Min"].default_value = 0.35
    light.inputs["To Max"].default_value = 1.9
    links.new(grey.outputs["Val"], light.inputs["Value"])
    tinted = _mix(nodes, links, "MULTIPLY", 1.0, light.outputs["Result"], (*colour, 1.0))
    links.new(tinted, shader.inputs["Base Color"])
    links.new(image.outputs["Alpha"], shader.inputs["Alpha"])
    shader.inputs["Roughness"].default_value = 0.5
    shader.inputs["Specular IOR Level"].default_value = 0.18
    return material


def strands(colour: Colour) -> Any:
    """Hair that is drawn hair by hair."""
    material = bpy.data.materials.new("strands")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    hair = nodes.new("ShaderNodeBsdfHairPrincipled")
    hair.inputs["Color"].default_value = (*colour, 1.0)
    hair.inputs["Random Roughness"].default_value = 0.2
    links.new(hair.outputs["BSDF"], nodes["Material Output"].inputs["Surface"])
    output = nodes.new("ShaderNodeOutputAOV")
    output.aov_name = HEAD_PASS
    output.inputs["Value"].default_value = 1.0
    return material


def wet(picture: Path, roughness: float) -> Any:
    """Teeth and tongue."""
    material, shader = new_material("wet", 1.0)
    image = _image(material.node_tree.nodes, picture)
    material.node_tree.links.new(image.outputs["Color"], shader.inputs["Base Color"])
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Subsurface Weight"].default_value = 0.15
    shader.inputs["Subsurface Scale"].default_value = 0.002
    return material


def cloth(picture: Path | None, hue: Colour, head: float = 0.0) -> Any:
    """Clothes, plain where there is no picture; `hue` is turn, saturation and value."""
    material, shader = new_material("cloth", head)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    turned = nodes.new("ShaderNodeHueSaturation")
    turned.inputs["Hue"].default_value, turned.inputs["Saturation"].default_value = hue[0], hue[1]
    turned.inputs["Value"].default_value = hue[2]
    if picture is None:
        turned.inputs["Color"].default_value = PLAIN_CLOTH
    else:
        links.new(_image(nodes, picture).outputs["Color"], turned.inputs["Color"])
    links.new(turned.outputs["Color"], shader.inputs["Base Color"])
    shader.inputs["Roughness"].default_value = 0.85
    shader.inputs["Specular IOR Level"].default_value = 0.15
    return material


def rim(colour: Colour, gloss: float) -> Any:
    """The rims of glasses."""
    material, shader = new_material("rim", 1.0)
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = gloss
    return material


def _image(nodes: Any, picture: Path) -> Any:
    node = nodes.new("ShaderNodeTexImage")
    node.image = bpy.data.images.load(str(picture), check_existing=True)
    return node


def _mix(nodes: Any, links: Any, kind: str, share: Any, a: Any, b: Any) -> Any:
    """The colour socket of `a` blended with `b`; each is a socket or a value."""
    node = nodes.new("ShaderNodeMix")
    node.data_type, node.blend_type = "RGBA", kind
    for socket, value in ((node.inputs[0], share), (node.inputs[6], a), (node.inputs[7], b)):
        if isinstance(value, float | tuple):
            socket.default_value = value
        else:
            links.new(value, socket)
    return node.outputs[2]
