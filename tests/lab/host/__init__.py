"""The host's side of the lab: namespaces, QEMU, and the switch of the boards' power."""
