"""Microcontroller boards: payloads, image build, QEMU."""
