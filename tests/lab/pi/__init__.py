"""A stand-in for a Raspberry Pi's boot ROM and firmware, up to the moment the kernel starts."""
