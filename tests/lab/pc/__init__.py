"""PCs and other machines whose firmware is the real one, as Debian ships it for QEMU."""
