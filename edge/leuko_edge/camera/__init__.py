"""Setting a camera up for good: its light and colours fixed, and the unevenness of the light measured.

leuko-edge camera list          which cameras there are
leuko-edge camera tune          once, on an empty field; every count with this camera uses what it found
"""
