"""The counter as a service of the device: it begins with the microscope and goes on whatever happens to it.

`command` is `leuko-edge serve` and constructs; `loop` counts one session after another and tries again after a fault;
`telling` says how it stands, to systemd (`notify`), to the display and its keyboard (`terminal`, `display`), to the
journal (`journal`) and to whoever asks (`status`, `control`); `attach` is `leuko-edge attach`, which asks.
"""
