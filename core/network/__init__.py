"""The networks, as plain torch modules of tensors: no file, no colour space and no landmark format in them.

`presets` names what can be built; `weights` finds and checks what was trained. Pictures are [B, 3, H, W], -1 to 1, sRGB;
positions are in units of the picture, -1 to 1 from edge to edge (`align_corners=False`).
"""
