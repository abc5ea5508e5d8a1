# SPDX-License-Identifier: GPL-3.0-or-later
"""A voice becomes a Performance: sound, the phones in it, and what lips, eyes and head make of them.

`speak` is the road. `sound` reads any file, `espeak` and `phones` know how words are spoken, `posteriors` listens, `align`
and `free` say when each phone is, `prosody` how loud and high; `visemes` and `curves` move the mouth, `eyes` and `life` the
rest, by the dials of `controls`. `dub` gives a tracked face the mouth of its sound.

May enter: root, landmarks, imaging, nouns, tracking.
"""
