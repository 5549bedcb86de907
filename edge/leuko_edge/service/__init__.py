"""The counter as a service of the device: it begins with the microscope and goes on whatever happens to it.

`cli.serve` is `leuko-edge serve` and constructs; `loop` counts one session after another and tries again after a fault;
`reporter` says how it stands, to systemd (`systemd`), to the display and its keyboard (`console`), to the journal
(`journal`) and to whoever asks (`status`, `key_socket`); `cli.attach` is `leuko-edge attach`, which asks.
"""
