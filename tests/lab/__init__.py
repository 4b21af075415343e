"""The lab: how we test consensus, nodes and whole services.

Nothing here is part of the wheel, and nothing that ships imports it.
"""
