"""The platforms beneath the trusted process, each in a file behind one port.

The port is ``ccfpy.base.ports.Platform``: it says what runs, and keeps secrets for it.
"""
